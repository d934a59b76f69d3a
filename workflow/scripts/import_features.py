"""Take features that somebody already extracted."""

from cberl.artifacts import read_table, write_table
from cberl.corpus.tables import UTTERANCES
from cberl.features.import_features import import_features
from cberl.features.tables import FEATURES
from cberl.job import start_job
from cberl.modalities import SPLITS

with start_job(snakemake) as job:
    modalities = job.settings["modalities"]
    utterances = read_table(snakemake.input.utterances, UTTERANCES, ["utterance_id", "split"])
    cut = import_features(job.settings, job.settings["root"], utterances, modalities)
    keys = [(modality, split) for modality in modalities for split in SPLITS]
    for key, path in zip(keys, snakemake.output.features, strict=True):
        frame, features = cut[key]
        write_table(path, FEATURES, frame, job.provenance, {"features": features})
