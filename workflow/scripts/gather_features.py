"""Join one modality's shards and cut them by split."""

from cberl.artifacts import read_table, write_table
from cberl.corpus.tables import UTTERANCES
from cberl.features.gather import common_facts, gather_shards
from cberl.features.tables import FEATURES
from cberl.job import start_job
from cberl.modalities import SPLITS

with start_job(snakemake) as job:
    utterances = read_table(snakemake.input.utterances, UTTERANCES, ["utterance_id", "split"])
    facts = common_facts(snakemake.input.shards)
    splits = gather_shards(utterances, snakemake.input.shards)
    for split, path in zip(SPLITS, snakemake.output.features, strict=True):
        frame, features = splits[split]
        own = facts | {"split": split}
        write_table(path, FEATURES, frame, job.provenance, {"features": features}, own)
