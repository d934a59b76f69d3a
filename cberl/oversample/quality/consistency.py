"""Whether a sample's modalities belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cberl.features.featureset import FeatureSet

COMPONENTS = 16
FEWEST_ROWS = 5


@dataclass(frozen=True)
class Link:
    """A regression from one modality's principal components to another's."""

    source: str
    target: str
    seen: Any
    told: Any
    regression: Any

    def correlation(self, features: FeatureSet) -> float | None:
        """Correlation of what is told with what is there; None with too few rows."""
        rows = _have_both(features, self.source, self.target)
        if rows.sum() < FEWEST_ROWS:
            return None
        told = self.regression.predict(self.seen.transform(features.values[self.source][rows]))
        there = self.told.transform(features.values[self.target][rows])
        told, there = told - told.mean(axis=0), there - there.mean(axis=0)
        length = np.linalg.norm(told) * np.linalg.norm(there)
        return float((told * there).sum() / length) if length > 0 else None


def link_modalities(features: FeatureSet) -> list[Link]:
    """Fit a link for each ordered pair of modalities on the rows that have both."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import Ridge

    links = []
    for source in features.modalities:
        for target in features.modalities:
            rows = _have_both(features, source, target)
            if source == target or rows.sum() < FEWEST_ROWS:
                continue
            views, placed = [], []
            for matrix in (features.values[source][rows], features.values[target][rows]):
                components = min(COMPONENTS, *matrix.shape)
                view = PCA(components, svd_solver="randomized", random_state=0)
                placed.append(view.fit_transform(matrix))
                views.append(view)
            # A tenth of the mean component's energy as penalty: with few rows little is claimed.
            penalty = float(np.square(placed[0]).sum() / placed[0].shape[1] / 10)
            regression = Ridge(alpha=max(penalty, 1e-6)).fit(*placed)
            links.append(Link(source, target, *views, regression))
    return links


def cross_modal_correlation(links: Sequence[Link], features: FeatureSet) -> float | None:
    """How well one modality is told from another: correlation, mean over the links.

    Rows that pair modalities at random have a correlation of about 0, whatever real rows have.

    Returns:
        None where no link has enough rows.
    """
    values = [link.correlation(features) for link in links]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _have_both(features: FeatureSet, source: str, target: str) -> np.ndarray:
    return features.available[source] & features.available[target]
