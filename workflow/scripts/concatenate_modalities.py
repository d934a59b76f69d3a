"""Join the scaled modalities side by side."""

from cberl.artifacts import write_table
from cberl.features.featureset import join, read_features
from cberl.fuse.concat import concatenate_modalities
from cberl.fuse.splits import fuse_split
from cberl.fuse.tables import LATENTS
from cberl.job import start_job
from cberl.modalities import SPLITS
from cberl.oversample.place import read_synthetic

with start_job(snakemake) as job:
    modalities = job.settings["modalities"]
    for position, split in enumerate(SPLITS):
        first = position * len(modalities)
        paths = snakemake.input.features[first : first + len(modalities)]
        features = read_features(dict(zip(modalities, paths, strict=True)), snakemake.input.scaler)
        synthetic = 0
        if split == "train":
            samples, _ = read_synthetic(snakemake.input.synthetic, modalities)
            synthetic = len(samples)
            features = join(features, samples) if synthetic else features
        frame, latents = fuse_split(features, synthetic, split, concatenate_modalities)
        write_table(
            snakemake.output.latents[position],
            LATENTS,
            frame,
            job.provenance,
            {"latent": latents},
        )
