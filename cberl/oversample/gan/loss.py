"""What the multimodal GAN minimises.

The terms that encoder and generators minimise, each over available modalities alone:

- identity: a row that goes through encoder and generators of its own class comes back as itself
  (the reconstruction of CVAE-GAN; the identity mapping of Zhu et al. 2017, CycleGAN, section 5.2);
- divergence: KL(q(z | x, y) || N(0, I));
- adversarial: samples pass for real with a critic per modality and a joint one; hinge loss
  (Lim & Ye 2017, Geometric GAN), critics of spectral norm 1 in place of a gradient penalty, which
  costs a second backward pass. Samples are made as `cberl.oversample.gan.sample.sample_gan` makes
  them, but that the row generated from the noisy latent of the identity term is taken away, not
  that from the latent's mean, which would cost another pass through the generators;
- classification: the auxiliary classifier recognises the class of a sample.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from cberl.fitting.terms import masked_mean
from cberl.oversample.gan.network import Matrices


def critic_loss(scores: Tensor, scored: Tensor) -> Tensor:
    """Hinge loss of the critics: real rows score above 1, generated ones below -1.

    Args:
        scores: of real rows, then of as many generated ones, float [2B, critics].
        scored: 1 where a critic scores a row, float [B, critics].
    """
    real, fake = scores.chunk(2)
    return (
        masked_mean(F.relu(1 - real), scored).mean() + masked_mean(F.relu(1 + fake), scored).mean()
    )


def adversarial_loss(scores: Tensor, scored: Tensor) -> Tensor:
    """What generators minimise of the critics' scores of their rows, both float [B, critics]."""
    return -masked_mean(scores, scored).mean()


def identity_loss(again: Matrices, rows: Matrices, available: Mapping[str, Tensor]) -> Tensor:
    """Huber loss between rows and themselves after encoding and generation: scalar.

    Mean over a modality's width, its available rows, and the modalities. Huber, because acoustic
    functionals have outliers of many standard deviations.
    """
    losses = []
    for name, row in rows.items():
        loss = F.smooth_l1_loss(again[name], row, reduction="none").mean(dim=1)  # [B]
        losses.append(masked_mean(loss, available[name]))
    return torch.stack(losses).mean()
