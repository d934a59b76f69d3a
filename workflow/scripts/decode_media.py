"""Decode one shard's clips."""

from cberl.job import start_job
from cberl.artifacts import open_table, read_table
from cberl.corpus.media.decode import decode_clips
from cberl.corpus.settings import MediaSettings
from cberl.corpus.shards import select_shard
from cberl.corpus.tables import MEDIA, UTTERANCES
from cberl.provenance import find_path
from cberl.settings import read_settings

with start_job(snakemake) as job:
    utterances = read_table(snakemake.input.utterances, UTTERANCES)
    shard = select_shard(utterances, snakemake.wildcards.scatteritem)
    with open_table(snakemake.output.media, MEDIA, job.provenance) as writer:
        settings = read_settings(MediaSettings, job.settings)
        root, modalities = find_path(snakemake.params.root), snakemake.params.modalities
        for rows in decode_clips(shard, root, settings, modalities):
            writer.write(rows)
