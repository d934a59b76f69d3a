"""Encode one shard's frames."""

from cberl.job import start_job
from cberl.artifacts import open_table
from cberl.features.settings import VideoSettings
from cberl.features.tables import FEATURES
from cberl.features.video.extract import VideoExtractor
from cberl.settings import read_settings

with start_job(snakemake, torch=True) as job:
    settings = read_settings(VideoSettings, job.settings)
    network = snakemake.input.get("network")
    extractor = VideoExtractor(settings, network, snakemake.params.device)
    facts = extractor.describe()
    with open_table(snakemake.output.features, FEATURES, job.provenance, facts) as writer:
        for frame, features in extractor.extract(snakemake.input.media):
            writer.write(frame, {"features": features})
