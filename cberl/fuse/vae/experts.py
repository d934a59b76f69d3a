"""The joint posterior: one Gaussian from the available modalities."""

import torch
from torch import Tensor


def product_of_experts(
    means: Tensor, log_variances: Tensor, available: Tensor
) -> tuple[Tensor, Tensor]:
    """Multiply the Gaussians of the modalities that are there with the prior N(0, 1).

    A product of Gaussians is a Gaussian whose precision is the sum of the precisions and whose
    mean is the precision-weighted mean. With the prior as an expert of its own (Wu & Goodman,
    Multimodal Generative Models for Scalable Weakly-Supervised Learning, NeurIPS 2018, section
    2.2) it is defined for any subset of modalities; for the empty one it is the prior itself.

    Args:
        means: float [M, N, Z], one per modality.
        log_variances: float [M, N, Z].
        available: bool [M, N]; experts that are not available are ignored, whatever their values.

    Returns:
        mean and log-variance of the product, each float [N, Z].
    """
    precisions = torch.exp(-log_variances) * available.unsqueeze(-1)  # [M, N, Z]
    precision = 1 + precisions.sum(dim=0)  # [N, Z]
    mean = (precisions * means).sum(dim=0) / precision
    return mean, -torch.log(precision)
