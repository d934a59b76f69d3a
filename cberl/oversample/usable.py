"""Which training rows samples can be made from."""

import logging

import numpy as np

from cberl.corpus.labels import NO_LABEL
from cberl.features.featureset import FeatureSet


def usable_labels(features: FeatureSet, labels: np.ndarray) -> np.ndarray:
    """The labels, but `NO_LABEL` for rows without any modality: int64 [N].

    Nothing can be made from such a row, and nothing put in its place would be like it.
    """
    empty = ~np.any(list(features.available.values()), axis=0)
    if (empty & (labels != NO_LABEL)).any():
        logging.info("%d training rows have no modality and are left out", empty.sum())
    return np.where(empty, NO_LABEL, labels)
