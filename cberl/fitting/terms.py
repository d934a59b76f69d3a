"""Terms that several losses share."""

import torch
from torch import Tensor

from cberl.rows import NO_LABEL

FEWEST_ROWS = 0.5
"""Rows that a class without any counts as, so that its logarithm is finite."""


def kl_from_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of N(mean, exp(log_variance)) from N(0, 1), in nats.

    Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, appendix B.

    Returns:
        float [N, Z], one per row and latent dimension; their sum over Z is the row's.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the rows that count: [N] or [N, C] and mask of that shape -> scalar or [C].

    A column without such a row is 0.
    """
    return (values * mask).sum(dim=0) / mask.sum(dim=0).clamp(min=1)


def log_prior(counts: Tensor) -> Tensor:
    """Logarithm of class frequencies: rows per class float [C] -> float [C].

    A class without a row counts as `FEWEST_ROWS`.
    """
    counts = counts.float().clamp(min=FEWEST_ROWS)
    return torch.log(counts / counts.sum())


def count_labels(labels: Tensor, classes: int) -> Tensor:
    """Rows of each class: int64 [N] -> int64 [C]; `NO_LABEL` is left out."""
    return torch.bincount(labels[labels != NO_LABEL], minlength=classes)
