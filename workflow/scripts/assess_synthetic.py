"""Say per class how good the synthetic samples are."""

from cberl.artifacts import write_table
from cberl.features.read_rows import read_rows
from cberl.job import start_job
from cberl.oversample.dialogue_copies import read_synthetic
from cberl.oversample.quality.assess import QUANTITIES, assess_synthetic
from cberl.oversample.tables import SYNTHETIC_QUALITY

with start_job(snakemake) as job:
    inputs = snakemake.input
    train = read_rows(inputs.train, inputs.scaler, inputs.labels_train)
    dev = read_rows(inputs.dev, inputs.scaler, inputs.labels_dev)
    synthetic = read_synthetic(inputs.synthetic, train.modalities, train.classes)
    quality = assess_synthetic(synthetic, train, dev, job.seed)
    facts = {"quantities": QUANTITIES}
    write_table(
        snakemake.output.quality, SYNTHETIC_QUALITY, quality, job.provenance, metadata=facts
    )
