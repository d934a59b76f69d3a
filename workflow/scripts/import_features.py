"""Take features that somebody already extracted."""

from cberl.artifacts import read_table, write_table
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.tables import UTTERANCES
from cberl.features.import_features import import_features
from cberl.features.tables import FEATURES
from cberl.job import start_job
from cberl.modalities import SPLITS
from cberl.settings import read_settings

with start_job(snakemake) as job:
    modalities = snakemake.params.modalities
    settings = read_settings(CorpusSettings, job.settings)
    utterances = read_table(
        snakemake.input.utterances, UTTERANCES, ["utterance_id", "split", "split_group"]
    )
    cut, probes = import_features(settings, utterances, modalities)
    keys = [(modality, split) for modality in modalities for split in SPLITS]
    for (modality, split), path in zip(keys, snakemake.output.features, strict=True):
        frame, features = cut[modality, split]
        facts = {"modality": modality, "split": split}
        if modality in probes:
            facts["probe"] = probes[modality].facts()
        write_table(path, FEATURES, frame, job.provenance, {"features": features}, facts)
