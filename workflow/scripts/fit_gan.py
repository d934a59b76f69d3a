"""Train the multimodal GAN on the training split."""

from cberl.artifacts import write_table, write_tensors
from cberl.corpus.labels import read_classes, read_labels
from cberl.features.featureset import read_features
from cberl.job import start_job
from cberl.oversample.gan.fit import fit_gan
from cberl.tables import HISTORY

with start_job(snakemake, torch=True) as job:
    modalities = job.settings["modalities"]
    paths = dict(zip(modalities, snakemake.input.features, strict=True))
    features = read_features(paths, snakemake.input.scaler)
    labels = read_labels(snakemake.input.labels, features.ids)
    classes = read_classes(snakemake.input.labels)
    gan, history = fit_gan(features, labels, len(classes), job.settings, job.seed)
    metadata = gan.describe() | {"classes": classes}
    write_tensors(snakemake.output.model, "gan", gan.state_dict(), job.provenance, metadata)
    write_table(snakemake.output.history, HISTORY, history, job.provenance)
