"""Encode one shard's frames."""

from cberl.artifacts import open_table
from cberl.features.tables import FEATURES
from cberl.features.video import extract_video
from cberl.job import start_job

with start_job(snakemake, torch=True) as job:
    with open_table(snakemake.output.features, FEATURES, job.provenance) as writer:
        for frame, features in extract_video(snakemake.input.media, job.settings):
            writer.write(frame, {"features": features})
