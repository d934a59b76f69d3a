"""Encode every split with the frozen VAE."""

from functools import partial

from cberl.artifacts import read_tensors, write_table
from cberl.fuse.splits import fuse_splits
from cberl.fuse.tables import LATENTS
from cberl.fuse.vae.fit import encode_vae, load_vae
from cberl.job import start_job

with start_job(snakemake, torch=True) as job:
    vae = load_vae(*read_tensors(snakemake.input.model, "vae"))
    fused = fuse_splits(
        snakemake.input.features,
        snakemake.input.scaler,
        snakemake.input.synthetic,
        job.settings["modalities"],
        partial(encode_vae, vae),
    )
    for path, (frame, latents) in zip(snakemake.output.latents, fused, strict=True):
        write_table(path, LATENTS, frame, job.provenance, {"latent": latents})
