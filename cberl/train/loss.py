"""Classification losses for imbalanced classes, each a setting by its name.

Every loss is a mean over labelled rows. Notation: row i has logits z_i, class y and probability
p_i = softmax(z_i)_y; class c has n_c rows; C classes.

Two counts go in. *Drawn* counts are the labelled rows that an epoch is expected to show, real
and synthetic ones, times how often their dialogue is drawn: weights and priors undo the
frequencies that the loss is averaged over, whatever made them. *Real* counts are recorded rows
only: margins follow from how many independent samples a class has, and a generated or repeated
one is not independent.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from cberl.fitting.terms import log_prior
from cberl.train.network import COSINE_SCALE

FOCUS = 2.0
LARGEST_MARGIN = 0.5
SAMPLE_OVERLAP = 0.999


@dataclass(frozen=True)
class ClassCounts:
    """Training rows per class, each float [C]; see the head of this module."""

    drawn: Tensor
    real: Tensor


Loss = Callable[[Tensor, Tensor, ClassCounts], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor, counts: ClassCounts) -> Tensor:
    """-log p_i.

    Args:
        logits: float [n, C].
        labels: int64 [n], each a class.
        counts: not used here.

    Returns:
        scalar.
    """
    return functional.cross_entropy(logits, labels)


def class_weights(logits: Tensor, labels: Tensor, counts: ClassCounts) -> Tensor:
    """-w_y log p_i with w_c proportional to 1 / n_c; a weighted mean.

    Inverse class frequency (King & Zeng, Logistic Regression in Rare Events Data, Political
    Analysis 2001, section 4.2).
    """
    weights = 1 / counts.drawn.clamp(min=1)
    return functional.cross_entropy(logits, labels, weight=weights)


def class_balanced(logits: Tensor, labels: Tensor, counts: ClassCounts) -> Tensor:
    """-w_y log p_i with w_c proportional to (1 - b) / (1 - b^n_c), b = 0.999; a weighted mean.

    The inverse of the effective number of samples (Cui et al., Class-Balanced Loss Based on
    Effective Number of Samples, CVPR 2019, equation 4).
    """
    return functional.cross_entropy(logits, labels, weight=effective_weights(counts.drawn))


def focal(logits: Tensor, labels: Tensor, counts: ClassCounts) -> Tensor:
    """-(1 - p_i)^2 log p_i: rows that are right already hardly count.

    Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, equation 4, for many classes.
    """
    surprise = functional.cross_entropy(logits, labels, reduction="none")  # [n]
    return ((1 - torch.exp(-surprise)).pow(FOCUS) * surprise).mean()


def ldam(logits: Tensor, labels: Tensor, counts: ClassCounts) -> Tensor:
    """Cross-entropy after taking a margin from the true class's cosine: rare classes a wide one.

    -log softmax(z_i - s m_y e_y)_y, z = s cos(code, class vector), m_c = 0.5 (n_min / n_c)^(1/4)
    (Cao et al., Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss, NeurIPS
    2019, equations 10 to 13). The logits must come from
    `cberl.train.network.CosineHead`, whose scale is s.
    """
    return functional.cross_entropy(_less_margin(logits, labels, counts), labels)


def ldam_reweighted(logits: Tensor, labels: Tensor, counts: ClassCounts) -> Tensor:
    """`ldam` with the weights of `class_balanced`: its second, deferred part (section 3.3).

    There it begins at a fixed epoch; here when dev no longer improves by the first.
    """
    weights = effective_weights(counts.drawn)
    return functional.cross_entropy(_less_margin(logits, labels, counts), labels, weight=weights)


def logit_adjustment(logits: Tensor, labels: Tensor, counts: ClassCounts) -> Tensor:
    """-log softmax(z_i + log n / sum n)_y.

    The prior is put in for training and left out at inference, so that argmax z minimises the
    balanced error (Menon et al., Long-tail Learning via Logit Adjustment, ICLR 2021, equation
    10, temperature 1).
    """
    return functional.cross_entropy(logits + log_prior(counts.drawn), labels)


LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "class_weights": class_weights,
    "class_balanced": class_balanced,
    "focal": focal,
    "ldam": ldam,
    "logit_adjustment": logit_adjustment,
}
"""By the name in the variants table."""

SECOND_PARTS: dict[str, Loss] = {"ldam": ldam_reweighted}
"""The second part of a loss, once dev no longer improves."""


def effective_weights(counts: Tensor) -> Tensor:
    """Weights (1 - b) / (1 - b^n_c), scaled to a mean of 1 (see `class_balanced`): float [C]."""
    weights = (1 - SAMPLE_OVERLAP) / (1 - SAMPLE_OVERLAP ** counts.clamp(min=1))
    return weights / weights.mean()


def margins(counts: Tensor) -> Tensor:
    """Margins of `ldam` as cosines, the rarest class's being the largest: float [C]."""
    rarest = counts[counts > 0].min()
    return LARGEST_MARGIN * (rarest / counts.clamp(min=rarest)).pow(0.25)


def _less_margin(logits: Tensor, labels: Tensor, counts: ClassCounts) -> Tensor:
    taken = COSINE_SCALE * margins(counts.real)[labels]  # [n]
    return logits - functional.one_hot(labels, logits.shape[1]) * taken.unsqueeze(1)
