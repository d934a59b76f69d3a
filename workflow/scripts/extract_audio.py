"""Compute functionals of one shard's sound."""

from cberl.artifacts import open_table
from cberl.features.audio import extract_audio
from cberl.features.tables import FEATURES
from cberl.job import start_job

with start_job(snakemake) as job:
    with open_table(snakemake.output.features, FEATURES, job.provenance) as writer:
        for frame, features in extract_audio(snakemake.input.media, job.settings):
            writer.write(frame, {"features": features})
