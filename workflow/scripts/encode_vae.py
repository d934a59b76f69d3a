"""Encode every split with the frozen VAE, and keep the features beside the latents."""

from functools import partial

from cberl.job import start_job
from cberl.artifacts import open_table
from cberl.fitting.network_files import load_network
from cberl.fuse.evidence import find_evidence
from cberl.fuse.splits import fuse_splits
from cberl.fuse.tables import LATENTS
from cberl.fuse.vae.encode import fuse_with_vae
from cberl.fuse.vae.network import VAENetwork

with start_job(snakemake, torch=True) as job:
    inputs = snakemake.input
    vae, _ = load_network(inputs.model, "vae", VAENetwork)
    fuse = partial(fuse_with_vae, vae)
    evidence = find_evidence(inputs.features, inputs.scaler, before=vae.latent_size)
    for split, pieces in fuse_splits(inputs.features, inputs.scaler, inputs.synthetic, fuse):
        facts = {"split": split, "evidence": evidence}
        with open_table(snakemake.output[split], LATENTS, job.provenance, facts) as table:
            for frame, latents in pieces:
                table.write(frame, {"latent": latents})
