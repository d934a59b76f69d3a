"""Encoding with the joint VAE, and what is passed on."""

import numpy as np
import torch

from cberl.fitting.tensors import to_tensors
from cberl.fuse.concatenate import concatenate_modalities
from cberl.fuse.vae.network import VAENetwork
from cberl.rows import LabelledRows


@torch.no_grad()
def encode_vae(vae: VAENetwork, rows: LabelledRows) -> np.ndarray:
    """Means of the joint posterior given what each utterance has.

    Returns:
        float32 [N, Z]; zeros, the prior's mean, for an utterance with no modality at all.
    """
    vae.eval()
    pieces = [np.empty((0, vae.latent_size), dtype=np.float32)]
    for piece in rows.pieces():
        values, available, _ = to_tensors(piece)
        pieces.append(vae.posterior(values, available)[0].numpy())
    return np.concatenate(pieces)


def fuse_with_vae(vae: VAENetwork, rows: LabelledRows) -> np.ndarray:
    """Latents, and beside them the features that they were encoded from.

    A latent is narrower than what it stands for. A residual path (He et al., Deep Residual Learning
    for Image Recognition, CVPR 2016) takes what it leaves out past it: whatever a network makes of
    joined features, it can make of this.

    Returns:
        float32 [N, Z + sum of widths]; zeros for an utterance with no modality at all.
    """
    return np.concatenate([encode_vae(vae, rows), concatenate_modalities(rows)], axis=1)
