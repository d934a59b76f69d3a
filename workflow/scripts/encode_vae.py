"""Encode every split with the frozen VAE."""

from cberl.artifacts import read_tensors, write_table
from cberl.features.featureset import join, read_features
from cberl.fuse.splits import fuse_split
from cberl.fuse.tables import LATENTS
from cberl.fuse.vae import encode_vae, load_vae
from cberl.job import start_job
from cberl.modalities import SPLITS
from cberl.oversample.place import read_synthetic

with start_job(snakemake, torch=True) as job:
    modalities = job.settings["modalities"]
    vae = load_vae(*read_tensors(snakemake.input.model, "vae"))
    for position, split in enumerate(SPLITS):
        first = position * len(modalities)
        paths = snakemake.input.features[first : first + len(modalities)]
        features = read_features(dict(zip(modalities, paths, strict=True)), snakemake.input.scaler)
        synthetic = 0
        if split == "train":
            samples, _ = read_synthetic(snakemake.input.synthetic, modalities)
            synthetic = len(samples)
            features = join(features, samples) if synthetic else features
        frame, latents = fuse_split(
            features, synthetic, split, lambda features: encode_vae(vae, features)
        )
        write_table(
            snakemake.output.latents[position],
            LATENTS,
            frame,
            job.provenance,
            {"latent": latents},
        )
