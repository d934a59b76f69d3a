"""Encode one shard's transcripts."""

from cberl.job import start_job
from cberl.artifacts import open_table, read_table
from cberl.corpus.shards import select_shard
from cberl.corpus.tables import UTTERANCES
from cberl.features.settings import TextSettings
from cberl.features.tables import FEATURES
from cberl.features.text.extract import TextExtractor
from cberl.settings import read_settings

with start_job(snakemake, torch=True) as job:
    utterances = read_table(snakemake.input.utterances, UTTERANCES)
    shard = select_shard(utterances, snakemake.wildcards.scatteritem)
    settings = read_settings(TextSettings, job.settings)
    extractor = TextExtractor(settings, snakemake.input.weights, snakemake.params.device)
    facts = extractor.describe()
    with open_table(snakemake.output.features, FEATURES, job.provenance, facts) as writer:
        for frame, features in extractor.extract(shard):
            writer.write(frame, {"features": features})
