"""Train the joint VAE on recorded training rows."""

from cberl.artifacts import write_table, write_tensors
from cberl.corpus.labels import read_classes, read_labels
from cberl.features.featureset import read_features
from cberl.fuse.vae.fit import fit_vae
from cberl.job import start_job
from cberl.tables import HISTORY

with start_job(snakemake, torch=True) as job:
    modalities = job.settings["modalities"]
    classes = read_classes(snakemake.input.labels_train)
    train = read_features(
        dict(zip(modalities, snakemake.input.train, strict=True)), snakemake.input.scaler
    )
    dev = read_features(
        dict(zip(modalities, snakemake.input.dev, strict=True)), snakemake.input.scaler
    )
    train_labels = read_labels(snakemake.input.labels_train, train.ids)
    dev_labels = read_labels(snakemake.input.labels_dev, dev.ids)
    vae, history = fit_vae(
        train, train_labels, dev, dev_labels, len(classes), job.settings, job.seed
    )
    metadata = vae.describe() | {"classes": classes}
    write_tensors(snakemake.output.model, "vae", vae.state_dict(), job.provenance, metadata)
    write_table(snakemake.output.history, HISTORY, history, job.provenance)
