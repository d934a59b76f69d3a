"""Say per class how good the synthetic samples are."""

from cberl.artifacts import write_table
from cberl.corpus.labels import read_classes, read_labels
from cberl.features.featureset import read_features
from cberl.job import start_job
from cberl.oversample.dialogue_copies import read_synthetic
from cberl.oversample.quality.assess import QUANTITIES, assess_synthetic
from cberl.oversample.tables import SYNTHETIC_QUALITY

with start_job(snakemake) as job:
    modalities = job.settings["modalities"]
    classes = read_classes(snakemake.input.labels[0])
    count = len(modalities)
    train_paths = dict(zip(modalities, snakemake.input.features[:count], strict=True))
    dev_paths = dict(zip(modalities, snakemake.input.features[count:], strict=True))
    train = read_features(train_paths, snakemake.input.scaler)
    dev = read_features(dev_paths, snakemake.input.scaler)
    train_labels = read_labels(snakemake.input.labels[0], train.ids)
    dev_labels = read_labels(snakemake.input.labels[1], dev.ids)
    synthetic, synthetic_labels = read_synthetic(snakemake.input.synthetic, modalities, classes)
    quality = assess_synthetic(
        synthetic, synthetic_labels, train, train_labels, dev, dev_labels, classes, job.seed
    )
    facts = {"quantities": QUANTITIES}
    write_table(
        snakemake.output.quality, SYNTHETIC_QUALITY, quality, job.provenance, metadata=facts
    )
