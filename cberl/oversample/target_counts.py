"""How many new rows each class should get."""

import logging

import numpy as np

from cberl.row_files import RowFiles
from cberl.rows import LabelledRows


def target_counts(train: LabelledRows | RowFiles, target: str | int) -> np.ndarray:
    """Count the new rows that each class needs to reach its target.

    Args:
        train: training rows; those without a label or any modality do not count.
        target: "none": no new rows; "balanced" brings every class to the size of the largest;
            "sqrt" to the geometric mean of its own size and the largest one's, sqrt(n_c * n_max),
            rounded; a number brings every class to that many rows. No class ever shrinks.

    Returns:
        New rows wanted per class, int64 [classes]; 0 for a class without such a row, from which
        nothing can be made.

    Raises:
        ValueError: ``target`` is none of these.
    """
    classes = train.classes
    usable = train.labelled & train.present
    counts = np.bincount(train.labels[usable], minlength=len(classes)).astype(np.int64)
    if target == "none" or not counts.any():
        return np.zeros(len(classes), dtype=np.int64)
    if target == "balanced":
        goal = np.full(len(classes), counts.max())
    elif target == "sqrt":
        goal = np.rint(np.sqrt(counts.astype(np.float64) * counts.max())).astype(np.int64)
    elif isinstance(target, int):
        goal = np.full(len(classes), target)
    else:
        raise ValueError(f"target {target!r}; expected none, balanced, sqrt or a whole number")
    wanted = np.maximum(goal - counts, 0)
    absent = counts == 0
    for number in np.flatnonzero(absent):
        logging.info("%s has no training row: no sample of it can be made", classes[number])
    wanted[absent] = 0
    return wanted
