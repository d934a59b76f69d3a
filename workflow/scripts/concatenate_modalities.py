"""Join the scaled modalities side by side."""

from cberl.job import start_job
from cberl.artifacts import open_table
from cberl.fuse.concatenate import concatenate_modalities
from cberl.fuse.evidence import find_evidence
from cberl.fuse.splits import fuse_splits
from cberl.fuse.tables import LATENTS

with start_job(snakemake) as job:
    inputs = snakemake.input
    evidence = find_evidence(inputs.features, inputs.scaler)
    for split, pieces in fuse_splits(
        inputs.features, inputs.scaler, inputs.synthetic, concatenate_modalities
    ):
        facts = {"split": split, "evidence": evidence}
        with open_table(snakemake.output[split], LATENTS, job.provenance, facts) as table:
            for frame, latents in pieces:
                table.write(frame, {"latent": latents})
