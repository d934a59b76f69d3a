"""F1 from counts: the one definition behind every F1 of the project.

It is our own since scikit-learn's costs 1.5 s of import in each job, and counts neither dialogues
as often as a resample draws them nor thousands of tables at once. Tests hold it against
scikit-learn's.
"""

from typing import TypeVar

import numpy as np

Counts = TypeVar("Counts")
"""A NumPy array or a tensor."""


def f1_of_counts(hits: Counts, support: Counts, predicted: Counts) -> Counts:
    """Harmonic mean of precision and recall; 0 for a class that neither occurs nor is predicted.

    Args:
        hits: rows of the class that are predicted as it, any shape.
        support: rows of the class, same shape; NaN gives NaN.
        predicted: rows that are predicted as the class, same shape.
    """
    total = support + predicted
    return 2 * hits / (total + (total == 0))


def f1_of_classes(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """F1 of each class: float64 [classes]; class numbers int64 [n] each."""
    counts = [
        np.bincount(rows, minlength=classes).astype(float)
        for rows in (truth[truth == predicted], truth, predicted)
    ]
    return f1_of_counts(*counts)
