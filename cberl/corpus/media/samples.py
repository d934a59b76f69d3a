"""Samples of sound as the table MEDIA stores them: whole numbers of 16 bits."""

import numpy as np

LARGEST = 32767


def to_int16(sound: np.ndarray) -> np.ndarray:
    """Samples between -1 and 1 as 16-bit numbers: int16 [samples]."""
    return np.rint(sound * LARGEST).astype(np.int16)


def from_int16(samples: np.ndarray) -> np.ndarray:
    """16-bit numbers as samples from -1 to below 1: float32 [samples]."""
    return samples.astype(np.float32) / np.float32(LARGEST + 1)
