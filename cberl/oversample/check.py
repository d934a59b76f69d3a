"""Refusing training rows that would spoil every sample made from them."""

import numpy as np

from cberl.errors import InputError
from cberl.features.featureset import FeatureSet


def check_training_rows(features: FeatureSet) -> None:
    """Raise InputError, naming row and modality, if a value is NaN or infinite."""
    for modality, matrix in features.values.items():
        # A sum is finite only if its terms are, and needs no array of the matrix's size.
        broken = ~np.isfinite(matrix.sum(axis=1, dtype=np.float64))
        if broken.any():
            row = features.ids[int(np.argmax(broken))]
            raise InputError(
                f"row {row}: {modality} features hold NaN or infinite values; expected numbers"
            )
