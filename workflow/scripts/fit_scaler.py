"""Fit each feature's mean and scale on training rows."""

from cberl.job import start_job
from cberl.artifacts import write_tensors
from cberl.features.scaler import fit_scaler

with start_job(snakemake) as job:
    tensors = fit_scaler(snakemake.input.train)
    write_tensors(snakemake.output.scaler, "scaler", tensors, job.provenance)
