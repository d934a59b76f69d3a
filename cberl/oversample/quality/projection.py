"""Rows of all modalities as one vector each, and a narrow view of them for classifiers."""

import numpy as np

from cberl.row_files import RowFiles
from cberl.rows import LabelledRows

COMPONENTS = 64
MOST_FITTED = 20_000
"""Rows that principal components are fitted to; more are drawn evenly from."""


def draw_rows(rows: LabelledRows | RowFiles, most: int, draw: np.random.Generator) -> LabelledRows:
    """All rows, or ``most`` of them, drawn evenly and in their order."""
    if len(rows) <= most:
        return rows.take(slice(None))
    return rows.take(np.sort(draw.choice(len(rows), most, replace=False)))


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
    last column is a row's distance from it. Of more real rows than `MOST_FITTED`, the
    components are fitted to so many, drawn evenly.
    """

    def __init__(self, train: LabelledRows | RowFiles, seed: int) -> None:
        from sklearn.decomposition import PCA

        rows = joined(draw_rows(train, MOST_FITTED, np.random.default_rng(seed)))
        components = min(COMPONENTS, *rows.shape)
        self._components = PCA(components, svd_solver="randomized", random_state=seed).fit(rows)
        placed = self._view(rows)
        self._mean = placed.mean(axis=0)
        scale = placed.std(axis=0)
        self._scale = np.where(scale > 1e-8, scale, 1).astype(np.float32)

    def place(self, rows: LabelledRows | RowFiles) -> np.ndarray:
        """Rows as standardised coordinates: float32 [N, components + 1]."""
        views = [self._view(joined(piece)) for piece in rows.pieces()]
        views = views or [np.empty((0, len(self._mean)), dtype=np.float32)]
        return (np.concatenate(views) - self._mean) / self._scale

    def _view(self, rows: np.ndarray) -> np.ndarray:
        inside = self._components.transform(rows)  # [N, components]
        squares = np.square(rows - self._components.mean_).sum(axis=1)
        outside = np.sqrt(np.maximum(squares - np.square(inside).sum(axis=1), 0))
        return np.column_stack([inside, outside]).astype(np.float32)
