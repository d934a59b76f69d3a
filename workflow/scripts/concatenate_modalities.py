"""Join the scaled modalities side by side."""

from cberl.artifacts import write_table
from cberl.fuse.concatenate import concatenate_modalities
from cberl.fuse.evidence import find_evidence
from cberl.fuse.splits import fuse_splits
from cberl.fuse.tables import LATENTS
from cberl.job import start_job

with start_job(snakemake) as job:
    inputs = snakemake.input
    evidence = find_evidence(inputs.features, inputs.scaler)
    for split, frame, latents in fuse_splits(
        inputs.features, inputs.scaler, inputs.synthetic, concatenate_modalities
    ):
        path, facts = (
            snakemake.output[split],
            {"split": split, "evidence": evidence},
        )
        write_table(path, LATENTS, frame, job.provenance, {"latent": latents}, facts)
