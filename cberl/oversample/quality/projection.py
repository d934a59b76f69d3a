"""Rows of all modalities as one vector each, and a narrow view of them for classifiers."""

import numpy as np

from cberl.rows import LabelledRows

COMPONENTS = 64


def joined(rows: LabelledRows) -> np.ndarray:
    """All modalities side by side, each divided by the root of its width: float32 [N, widths].

    So a modality's squared length is about 1 however wide it is, and none outweighs the others.
    Absent modalities are zeros.
    """
    return np.concatenate(
        [value / np.float32(np.sqrt(value.shape[1])) for value in rows.values.values()],
        axis=1,
    )


class Projection:
    """Principal components of the real rows, with what lies outside them.

    A view by components alone would hide samples that left the subspace of the real rows; so the
    last column is a row's distance from it.
    """

    def __init__(self, train: LabelledRows, seed: int) -> None:
        from sklearn.decomposition import PCA

        rows = joined(train)
        components = min(COMPONENTS, *rows.shape)
        self._components = PCA(components, svd_solver="randomized", random_state=seed).fit(rows)
        placed = self._view(rows)
        self._mean = placed.mean(axis=0)
        scale = placed.std(axis=0)
        self._scale = np.where(scale > 1e-8, scale, 1).astype(np.float32)

    def place(self, rows: LabelledRows) -> np.ndarray:
        """Rows as standardised coordinates: float32 [N, components + 1]."""
        return (self._view(joined(rows)) - self._mean) / self._scale

    def _view(self, rows: np.ndarray) -> np.ndarray:
        if not len(rows):
            return np.empty((0, self._components.n_components_ + 1), dtype=np.float32)
        inside = self._components.transform(rows)  # [N, components]
        squares = np.square(rows - self._components.mean_).sum(axis=1)
        outside = np.sqrt(np.maximum(squares - np.square(inside).sum(axis=1), 0))
        return np.column_stack([inside, outside]).astype(np.float32)
