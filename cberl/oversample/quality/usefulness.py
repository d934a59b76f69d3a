"""Samples and classifiers: whether one learns from them, and whether one can detect them."""

import numpy as np

from cberl.f1 import f1_of_classes

FOLDS = 5
MOST_ROWS = 1000
"""Rows per side of the two-sample test."""


def f1_per_class(
    rows: np.ndarray,
    labels: np.ndarray,
    dev: np.ndarray,
    dev_labels: np.ndarray,
    classes: int,
    seed: int,
) -> list[float | None]:
    """F1 on dev of a logistic regression whose classes weigh alike, per class.

    Args:
        rows, labels: training rows, float32 [N, D] and int64 [N].
        dev, dev_labels: the rows that are scored.

    Returns:
        One value per class; None for a class without a dev row.
    """
    supported = np.isin(np.arange(classes), dev_labels)
    if len(np.unique(labels)) < 2 or not len(dev):
        return [None] * classes
    predicted = _classifier(seed).fit(rows, labels).predict(dev)
    scores = f1_of_classes(dev_labels, predicted, classes)
    return [float(score) if known else None for score, known in zip(scores, supported, strict=True)]


def two_sample_accuracy(real: np.ndarray, new: np.ndarray, seed: int) -> float | None:
    """Cross-validated accuracy of a classifier between real and synthetic rows; 0.5 is chance.

    A classifier two-sample test (Lopez-Paz & Oquab 2017) with equally many rows of either kind
    and a logistic regression over coordinates and their squares, which sees differing means and
    differing spread.

    Returns:
        None with fewer than five rows of a kind.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    count = min(len(real), len(new), MOST_ROWS)
    if count < FOLDS:
        return None
    draw = np.random.default_rng(seed)
    sides = [side[draw.choice(len(side), count, replace=False)] for side in (real, new)]
    rows = np.concatenate(sides)
    rows = np.concatenate([rows, np.square(rows)], axis=1)
    kinds = np.repeat([0, 1], count)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return float(cross_val_score(_classifier(seed), rows, kinds, cv=folds).mean())


def _classifier(seed: int):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(),
        LogisticRegression(C=0.1, class_weight="balanced", max_iter=300, random_state=seed),
    )
