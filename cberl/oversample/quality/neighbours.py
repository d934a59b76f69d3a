"""Distances of samples: whether they lie among the real rows, reach them, copy them."""

import numpy as np

NEIGHBOURS = 5


def density_and_coverage(real: np.ndarray, new: np.ndarray) -> tuple[float | None, float | None]:
    """Density and coverage of samples (Naeem et al. 2020, Reliable Fidelity
    and Diversity Metrics, section 3).

    A real row's neighbourhood is the ball that reaches to its k-th nearest other real row, k
    being `NEIGHBOURS`.
    Density: real neighbourhoods per sample, over k. Coverage: share of neighbourhoods that hold a
    sample. A class of fewer rows than k + 1 uses as many neighbours as it has.

    Args:
        real, new: float32 [N, D] and [S, D].

    Returns:
        None for both if there are fewer than two real rows.
    """
    k = min(NEIGHBOURS, len(real) - 1)
    if k < 1 or not len(new):
        return None, None
    between = _distances(real, real)
    np.fill_diagonal(between, np.inf)
    radii = np.partition(between, k - 1, axis=1)[:, k - 1]  # [N]
    inside = _distances(real, new) <= radii[:, None]  # [N, S]
    return float(inside.sum() / (k * len(new))), float(inside.any(axis=1).mean())


def distances_to_nearest(real: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance from each sample to the nearest real row, [S], and between real rows, [N].

    The latter is infinite for a single row, and empty without one.
    """
    if not len(real):
        return np.full(len(new), np.inf), np.empty(0)
    between = _distances(real, real)
    np.fill_diagonal(between, np.inf)
    nearest = between.min(axis=1)
    return _distances(real, new).min(axis=0), nearest[np.isfinite(nearest)]


def variance(rows: np.ndarray) -> float:
    """Total variance: trace of the covariance."""
    return float(rows.var(axis=0, dtype=np.float64).sum())


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances, float64 [N, S]; between equal rows 0 and not rounding errors."""
    from sklearn.metrics import pairwise_distances

    # In float64: differences of squares in float32 cannot distinguish a copy from a near row.
    distances = pairwise_distances(first.astype(np.float64), second.astype(np.float64))
    distances[distances < 1e-6] = 0
    return distances
