"""Encode one shard's sound."""

from cberl.job import start_job
from cberl.artifacts import open_table
from cberl.features.audio.extract import AudioExtractor
from cberl.features.encoders import is_speech_network
from cberl.features.settings import AudioSettings
from cberl.features.tables import FEATURES
from cberl.settings import read_settings

with start_job(snakemake, is_speech_network(snakemake.params.settings["encoder"])) as job:
    settings = read_settings(AudioSettings, job.settings)
    extractor = AudioExtractor(settings, snakemake.params.device)
    facts = extractor.describe()
    with open_table(snakemake.output.features, FEATURES, job.provenance, facts) as writer:
        for frame, features in extractor.extract(snakemake.input.media):
            writer.write(frame, {"features": features})
