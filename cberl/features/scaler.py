"""Standardising features with training statistics.

scikit-learn's StandardScaler computes the same. Its import takes 1.2 s in each job, more than the
fit of a corpus of MELD's size, and it gives a nearly constant feature the scale of its noise.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from cberl.artifacts import read_header, take_vectors, vector_width
from cberl.features.feature_rows import count_rows
from cberl.rows import LabelledRows

LEAST_RELATIVE_SPREAD = 1e-6
"""A feature that varies by less than this share of its mean is constant: rounding noise."""
ROWS_AT_ONCE = 4096
"""Summed at once; with another number, sums may differ in their last bit."""


def fit_scaler(train: Iterable[str | Path]) -> dict[str, np.ndarray]:
    """Mean and standard deviation of every feature over the available training rows.

    Constant features get scale 1, and so do all features of a modality without any available
    row (with mean 0): scaling then leaves them as they are.

    Args:
        train: tables FEATURES of the training split, one per modality.

    Returns:
        ``{modality}.mean`` and ``{modality}.scale``: float32 [width]; scale is above 0.
    """
    tensors = {}
    for path in train:
        modality = read_header(path)["metadata"]["modality"]
        mean, scale = _mean_and_scale(path)
        tensors[f"{modality}.mean"] = mean.astype(np.float32)
        tensors[f"{modality}.scale"] = scale.astype(np.float32)
    return tensors


def scale_features(
    matrix: np.ndarray, available: np.ndarray, scaler: Mapping[str, np.ndarray], modality: str
) -> np.ndarray:
    """Standardise one modality's features.

    Args:
        matrix: float32 [N, width].
        available: bool [N].
        scaler: what `fit_scaler` gives.

    Returns:
        float32 [N, width]; zeros where not available. What overflows is infinite.
    """
    with np.errstate(over="ignore"):
        scaled = (matrix - scaler[f"{modality}.mean"]) / scaler[f"{modality}.scale"]
    return np.where(available[:, None], scaled, 0).astype(np.float32)


def scale_rows(
    ids: np.ndarray, vectors: Mapping[str, np.ndarray], scaler: Mapping[str, np.ndarray]
) -> LabelledRows:
    """Standardise what encoders gave, for models to read.

    Args:
        ids: object [N].
        vectors: modality -> float32 [N, width]; a row of NaN is absent.
        scaler: what `fit_scaler` gives.

    Raises:
        InputError: a vector has NaN or infinite values, if only once it is scaled.
    """
    available = {name: ~np.isnan(matrix).all(axis=1) for name, matrix in vectors.items()}
    values = {
        name: scale_features(matrix, available[name], scaler, name)
        for name, matrix in vectors.items()
    }
    return LabelledRows(ids, values, available)


def _mean_and_scale(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """float64 [width] each, summed in float64 over pieces of the file, which is read twice."""
    width = vector_width(path, "features")
    count, total = 0, np.zeros(width)
    for piece in _available_pieces(path):
        count += len(piece)
        total += piece.sum(axis=0, dtype=np.float64)
    if not count:
        return np.zeros(width), np.ones(width)
    mean = total / count
    squares = np.zeros(width)
    for piece in _available_pieces(path):
        squares += np.square(piece - mean).sum(axis=0)
    scale = np.sqrt(squares / count)
    constant = scale <= LEAST_RELATIVE_SPREAD * np.abs(mean)
    # Below float32's normal range a scale would divide by 0.
    constant |= scale < np.finfo(np.float32).tiny
    return mean, np.where(constant, 1.0, scale)


def _available_pieces(path: str | Path) -> Iterator[np.ndarray]:
    """The vectors that are there, some thousand rows at a time: float32 [rows, width]."""
    rows = count_rows(path)
    for start in range(0, rows, ROWS_AT_ONCE):
        positions = np.arange(start, min(start + ROWS_AT_ONCE, rows))
        piece = take_vectors(path, "features", positions)
        yield piece[~np.isnan(piece).all(axis=1)]
