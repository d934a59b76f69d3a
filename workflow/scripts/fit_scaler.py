"""Fit each feature's mean and scale on training rows."""

from cberl.artifacts import write_tensors
from cberl.features.scaler import fit_scaler
from cberl.job import start_job

with start_job(snakemake) as job:
    tensors = fit_scaler(snakemake.input.train)
    write_tensors(snakemake.output.scaler, "scaler", tensors, job.provenance)
