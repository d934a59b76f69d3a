"""Whether a sample's modalities belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cberl.row_files import RowFiles
from cberl.rows import LabelledRows

COMPONENTS = 16
FEWEST_ROWS = 5


@dataclass(frozen=True)
class Link:
    """A regression from one modality's principal components to another's."""

    source: str
    target: str
    seen: Any
    predicted: Any
    regression: Any

    def place(self, rows: LabelledRows) -> tuple[np.ndarray, np.ndarray]:
        """What is predicted and what is there of the rows that have both: [n, components] each."""
        both = _have_both(rows, self.source, self.target)
        if not both.any():
            nothing = np.empty((0, self.predicted.n_components_), dtype=np.float32)
            return nothing, nothing
        predicted = self.regression.predict(self.seen.transform(rows.values[self.source][both]))
        return predicted, self.predicted.transform(rows.values[self.target][both])

    @staticmethod
    def correlation(predicted: np.ndarray, there: np.ndarray) -> float | None:
        """Correlation of what is predicted with what is there; None with too few rows."""
        if len(predicted) < FEWEST_ROWS:
            return None
        predicted, there = predicted - predicted.mean(axis=0), there - there.mean(axis=0)
        length = np.linalg.norm(predicted) * np.linalg.norm(there)
        return float((predicted * there).sum() / length) if length > 0 else None


def link_modalities(rows: LabelledRows) -> list[Link]:
    """Fit a link for each ordered pair of modalities on the rows that have both."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import Ridge

    links = []
    for source in rows.modalities:
        for target in rows.modalities:
            both = _have_both(rows, source, target)
            if source == target or both.sum() < FEWEST_ROWS:
                continue
            views, placed = [], []
            for matrix in (rows.values[source][both], rows.values[target][both]):
                components = min(COMPONENTS, *matrix.shape)
                view = PCA(components, svd_solver="randomized", random_state=0)
                placed.append(view.fit_transform(matrix))
                views.append(view)
            # A tenth of the mean component's energy as penalty: with few rows little is claimed.
            penalty = float(np.square(placed[0]).sum() / placed[0].shape[1] / 10)
            regression = Ridge(alpha=max(penalty, 1e-6)).fit(*placed)
            links.append(Link(source, target, *views, regression))
    return links


def cross_modal_correlation(links: Sequence[Link], rows: LabelledRows | RowFiles) -> float | None:
    """How well one modality is predicted from another: correlation, mean over the links.

    Rows that pair modalities at random have a correlation of about 0, whatever real rows have.

    Returns:
        None where no link has enough rows.
    """
    placed = [[link.place(piece) for link in links] for piece in rows.pieces()]
    values = [
        link.correlation(*map(np.concatenate, zip(*pieces, strict=True)))
        for link, pieces in zip(links, zip(*placed, strict=True), strict=False)
    ]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _have_both(rows: LabelledRows, source: str, target: str) -> np.ndarray:
    return rows.available[source] & rows.available[target]
