"""Assess per class how good the synthetic samples are."""

from cberl.job import start_job
from cberl.artifacts import write_table
from cberl.features.read_rows import open_rows
from cberl.oversample.dialogue_copies import open_synthetic
from cberl.oversample.quality.assess import QUANTITIES, assess_synthetic
from cberl.oversample.tables import SYNTHETIC_QUALITY

with start_job(snakemake) as job:
    inputs = snakemake.input
    train = open_rows(inputs.train, inputs.scaler, inputs.labels_train)
    dev = open_rows(inputs.dev, inputs.scaler, inputs.labels_dev)
    synthetic = open_synthetic(inputs.synthetic, train.modalities, train.classes)
    quality = assess_synthetic(synthetic, train, dev, job.seed)
    facts = {"quantities": QUANTITIES}
    write_table(
        snakemake.output.quality, SYNTHETIC_QUALITY, quality, job.provenance, metadata=facts
    )
