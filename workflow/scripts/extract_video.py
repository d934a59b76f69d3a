"""Encode one shard's frames."""

from cberl.artifacts import open_table
from cberl.features.tables import FEATURES
from cberl.features.video.extract import VideoExtractor
from cberl.job import start_job

with start_job(snakemake, torch=True) as job:
    extractor = VideoExtractor(job.settings, snakemake.input.get("network"))
    facts = extractor.describe()
    with open_table(snakemake.output.features, FEATURES, job.provenance, facts) as writer:
        for frame, features in extractor.extract(snakemake.input.media):
            writer.write(frame, {"features": features})
