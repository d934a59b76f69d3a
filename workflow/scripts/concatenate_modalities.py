"""Join the scaled modalities side by side."""

from cberl.artifacts import write_table
from cberl.fuse.concatenate import concatenate_modalities
from cberl.fuse.splits import fuse_splits
from cberl.fuse.tables import LATENTS
from cberl.job import start_job

with start_job(snakemake) as job:
    fused = fuse_splits(
        snakemake.input.features,
        snakemake.input.scaler,
        snakemake.input.synthetic,
        job.settings["modalities"],
        concatenate_modalities,
    )
    for path, (frame, latents) in zip(snakemake.output.latents, fused, strict=True):
        write_table(path, LATENTS, frame, job.provenance, {"latent": latents})
