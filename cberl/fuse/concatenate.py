"""Fusion without a model: the modalities side by side."""

import numpy as np

from cberl.rows import LabelledRows


def concatenate_modalities(rows: LabelledRows) -> np.ndarray:
    """Put the scaled modalities side by side, in their fixed order.

    Returns:
        float32 [N, sum of widths]; zeros (each training column's mean) where a modality is absent.
    """
    return np.concatenate(list(rows.values.values()), axis=1).astype(np.float32, copy=False)
