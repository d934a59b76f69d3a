"""Whether published features were fitted to the labels of the training rows."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

FOLDS = 5
FEWEST_ROWS = 50
"""Labelled rows in train and in dev below which nothing is probed."""
MOST_ROWS = 10_000
"""Rows of train and of dev that are probed: more would change an accuracy by half a point."""
LARGEST_GAP = 0.1
"""By how much accuracy on training rows may exceed that on dev without a finding."""


@dataclass(frozen=True)
class Probe:
    """Accuracy of a linear classifier, 0 to 1.

    Attributes:
        train_folds: on training rows, each in the fold that the classifier did not see.
        dev: on dev rows, of a classifier that saw all training rows.
        fitted: whether the first is above the second by more than chance.
    """

    train_folds: float
    dev: float
    fitted: bool

    def facts(self) -> dict[str, Any]:
        """The same for an artifact's metadata."""
        return asdict(self)


def choose_rows(rows: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Some of the rows, at most `MOST_ROWS`: those of as many groups as fit, in order.

    Args:
        rows: positions, int64 [N], rising.
        groups: what each row, these among them, belongs to.

    Returns:
        int64 [n], all rows if they are few enough.
    """
    if len(rows) <= MOST_ROWS:
        return rows
    numbers, names = pd.factorize(groups[rows])
    order = np.random.default_rng(0).permutation(len(names))
    fit = np.cumsum(np.bincount(numbers)[order]) <= MOST_ROWS
    return rows[np.isin(numbers, order[fit])]


def probe_features(
    train: np.ndarray,
    train_labels: np.ndarray,
    groups: np.ndarray,
    dev: np.ndarray,
    dev_labels: np.ndarray,
) -> Probe | None:
    """Hold folds of train against dev, by a ridge classifier.

    With features of an encoder that learnt the training labels, the classifier is as accurate in a
    fold that it did not see as in those that it saw, and less so in dev, which the encoder did not
    see. With features of an encoder that saw no labels, it is about as accurate in both.

    Args:
        train, dev: features, float32 [N, D] and [M, D].
        train_labels, dev_labels: [N] and [M].
        groups: what must not be in two folds, [N].

    Returns:
        None with too few rows or groups, or a single class.
    """
    if min(len(train), len(dev)) < FEWEST_ROWS or len(np.unique(train_labels)) < 2:
        return None
    if len(np.unique(groups)) < FOLDS:
        return None
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import GroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), RidgeClassifier(alpha=train.shape[1]))
    folds = cross_val_score(classifier, train, train_labels, groups=groups, cv=GroupKFold(FOLDS))
    on_train = float(folds.mean())
    on_dev = float(classifier.fit(train, train_labels).score(dev, dev_labels))
    error = math.sqrt(max(on_dev * (1 - on_dev), 1 / len(dev)) / len(dev))
    return Probe(on_train, on_dev, on_train - on_dev > max(LARGEST_GAP, 3 * error))
