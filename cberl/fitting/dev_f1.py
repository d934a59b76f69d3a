"""F1 during training."""

import torch
from torch import Tensor

from cberl.f1 import f1_of_counts


def f1_scores(labels: Tensor, predicted: Tensor, classes: int) -> tuple[float, float]:
    """Macro and weighted F1 over the classes that occur in ``labels``.

    A class without a row here has no F1; counting it as 0 would only shift each epoch alike.

    Args:
        labels: int64 [n], at least one.
        predicted: int64 [n].
    """
    table = torch.bincount(labels * classes + predicted, minlength=classes**2)
    table = table.reshape(classes, classes).double()  # [true, predicted]
    support = table.sum(dim=1)
    f1 = f1_of_counts(table.diagonal(), support, table.sum(dim=0))
    macro = f1[support > 0].mean()
    weighted = (f1 * support).sum() / support.sum()
    return float(macro), float(weighted)
