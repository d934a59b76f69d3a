"""What the joint VAE minimises."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from cberl.fitting.terms import kl_from_standard_normal, masked_mean
from cberl.fuse.vae.network import VAENetwork
from cberl.rows import NO_LABEL


def hide_modalities(available: Mapping[str, Tensor], chance: float) -> dict[str, Tensor]:
    """Hide each modality from each row with a chance, but never a row's last one.

    The decoder still reconstructs what is hidden from the encoder, so that each subset of
    modalities learns to stand for the whole (the sub-sampled objective of Wu & Goodman 2018,
    section 2.2, with the subset drawn by row).

    Args:
        available: modality -> bool [N].
        chance: probability, 0 to 1.

    Returns:
        modality -> bool [N].
    """
    masks = torch.stack(list(available.values()))  # [M, N]
    kept = masks & (torch.rand(masks.shape, device=masks.device) >= chance)
    kept = torch.where(kept.any(dim=0), kept, masks)
    return dict(zip(available, kept, strict=True))


def annealed(weight: float, epoch: int, annealing_epochs: int) -> float:
    """Weight of the divergence in an epoch (from 1): it rises linearly from 0 and then stays.

    Bowman et al., Generating Sentences from a Continuous Space, CoNLL 2016, section 3.1.
    """
    return weight * min(1.0, (epoch - 1) / annealing_epochs) if annealing_epochs else weight


def vae_loss(
    vae: VAENetwork,
    values: Mapping[str, Tensor],
    available: Mapping[str, Tensor],
    shown: Mapping[str, Tensor],
    labels: Tensor,
    prior: Tensor,
    divergence_weight: float | Tensor,
    class_weight: float,
) -> dict[str, Tensor]:
    """The terms of the loss on some rows; entry ``loss`` is their weighted sum.

    loss = sum over modalities of reconstruction + divergence_weight * divergence
           + class_weight * classification

    - reconstruction of a modality: squared error, mean over its columns and over the rows that
      have it; scaled features make modalities of any width weigh the same.
    - divergence: of the joint posterior from the prior, mean over rows and latent dimensions,
      i.e. normalised by width like the other terms (Higgins et al., beta-VAE, ICLR 2017, 4.2).
    - classification: cross-entropy of a linear classifier on the latent, its logits adjusted
      by the log of the class frequencies, so that rare classes claim as wide a region as
      frequent ones (Menon et al., Long-tail Learning via Logit Adjustment, ICLR 2021, eq. 10);
      mean over labelled rows. Left out where its weight is 0.

    A row enters a term only with what it has; a term without any row is 0.

    Args:
        values: modality -> float [N, width].
        available: modality -> bool [N], what the decoders reconstruct.
        shown: modality -> bool [N], what the encoders see.
        labels: int64 [N], -1 where unknown.
        prior: float [C], log of class frequencies in the training rows.
    """
    mean, log_variance = vae.posterior(values, shown)  # [N, Z] each
    latent = mean
    if vae.training:
        latent = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
    terms = {}
    decoded = vae.decode(latent)
    for name, target in values.items():
        # Summed and then divided: the way back through a mean would fill a matrix.
        errors = mse_loss(decoded[name], target, reduction="none").sum(dim=1) / target.shape[1]
        terms[f"reconstruction_{name}"] = masked_mean(errors, available[name])
    divergence = kl_from_standard_normal(mean, log_variance).mean()
    loss = sum(terms.values()) + divergence_weight * divergence
    terms["divergence"] = divergence
    if class_weight:
        adjusted = vae.classifier(latent) + prior  # [N, C]
        surprise = cross_entropy(adjusted, labels, ignore_index=NO_LABEL, reduction="none")  # [N]
        terms["classification"] = masked_mean(surprise, labels != NO_LABEL)
        loss = loss + class_weight * terms["classification"]
    return {"loss": loss, **terms}
