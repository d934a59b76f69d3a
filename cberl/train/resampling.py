"""How far a difference in dev macro-F1 is chance: a paired bootstrap over dialogues."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cberl.f1 import f1_of_counts

RESAMPLES = 200


def resampled_macro_f1(
    predictions: Sequence[Tensor], labels: Tensor, dialogues: Tensor, classes: int
) -> Tensor:
    """Macro-F1 of several predictions of the same rows, over classes that occur.

    Args:
        predictions: P of them, int64 [n] each.
        labels: int64 [n].
        dialogues: number of each row's dialogue, int64 [n].

    Returns:
        float64 [P, 1 + RESAMPLES]: on the rows as they are, then on bootstrap draws of dialogues,
        the same for all predictions and in each call.
    """
    _, dialogues = torch.unique(dialogues, return_inverse=True)
    count = int(dialogues.max()) + 1
    draws = torch.randint(count, (RESAMPLES, count), generator=torch.Generator().manual_seed(0))
    weights = torch.stack([torch.bincount(draw, minlength=count) for draw in draws])
    weights = torch.cat([torch.ones(1, count), weights]).double()  # [1 + RESAMPLES, dialogues]
    return torch.stack(
        [_macro_f1(weights, dialogues, labels, predicted, classes) for predicted in predictions]
    )


def gain_over(first: Tensor, second: Tensor) -> tuple[float, float]:
    """How much more ``first`` reaches than ``second``, rows of `resampled_macro_f1`.

    Returns:
        the difference and its standard error.
    """
    difference = first - second
    return float(difference[0]), float(difference[1:].std())


def _macro_f1(
    weights: Tensor, dialogues: Tensor, labels: Tensor, predicted: Tensor, classes: int
) -> Tensor:
    """Macro-F1 for each weighting of the dialogues: [R, dialogues] -> [R]."""
    columns = torch.stack([labels * 3, predicted * 3 + 1, labels * 3 + 2])  # [3, n]
    counted = torch.ones_like(columns, dtype=torch.double)
    counted[2] = (predicted == labels).double()
    table = torch.zeros(weights.shape[1], 3 * classes, dtype=torch.double)
    for column, count in zip(columns, counted, strict=True):
        table.index_put_((dialogues, column), count, accumulate=True)
    support, claims, hits = (weights @ table).reshape(-1, classes, 3).unbind(dim=2)  # [R, C] each
    f1 = f1_of_counts(hits, support, claims)
    occurs = (support > 0).double()
    return (f1 * occurs).sum(dim=1) / occurs.sum(dim=1).clamp(min=1)
