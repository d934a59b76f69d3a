"""A map of the fused space, with recorded and synthetic utterances of each class.

The two directions are the first principal components of the recorded training rows. They are
chosen without the synthetic rows and without the labels, so that neither can look better placed
than it is; distances on the map are only projected ones.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cberl.artifacts import read_matrix, read_table
from cberl.fuse.tables import LATENTS
from cberl.report.figures import SYMBOLS, Figure, colour, layout, numbers
from cberl.report.run import Run
from cberl.tables import NOTHING_REMOVED

MOST_PER_CLASS = 150
"""Points drawn of a class, recorded and synthetic each: more only hide one another."""

VISIBLE = 99
"""Percentage of the points that the axes show at first; outliers are a zoom away."""


@dataclass(frozen=True)
class Plane:
    """The plane that latents are projected onto.

    Attributes:
        centre: float64 [Z].
        axes: orthonormal, float64 [2, Z]; zeros where the rows have no such direction.
        shares: of the variance that each axis carries, float64 [2].
    """

    centre: np.ndarray
    axes: np.ndarray
    shares: np.ndarray

    def project(self, latents: np.ndarray) -> np.ndarray:
        """float32 [N, Z] -> float64 [N, 2]."""
        return (latents.astype(np.float64) - self.centre) @ self.axes.T


def fit_plane(recorded: np.ndarray) -> Plane:
    """The first two principal components of recorded rows, float32 [N, Z]."""
    from sklearn.decomposition import PCA

    components = min(2, *recorded.shape)
    with np.errstate(invalid="ignore"):  # rows that are all alike have no variance to share out
        pca = PCA(components, svd_solver="randomized", random_state=0)
        pca.fit(recorded.astype(np.float64))
    axes, shares = np.zeros((2, recorded.shape[1])), np.zeros(2)
    # The sign of a component is arbitrary: make its largest loading positive.
    largest = np.abs(pca.components_).argmax(axis=1)
    signs = np.sign(pca.components_[np.arange(components), largest])
    axes[:components] = pca.components_ * signs[:, None]
    shares[:components] = np.nan_to_num(pca.explained_variance_ratio_)
    return Plane(pca.mean_, axes, shares)


def draw_latent_map(run: Run) -> Figure:
    """Maps of every fused space of the first seed: training rows, and test rows on their plane."""
    views = {}
    for place, paths in run.latents.items():
        synthetic = [
            frame
            for other, frame in run.synthetic.items()
            if place.name.startswith(f"{other.name}-") and other.seed == place.seed
        ]
        labelled = pd.concat([run.utterances, *synthetic])
        train = _read_rows(paths["train"], labelled)
        if train.synthetic.all():
            continue
        plane = fit_plane(train.latents[~train.synthetic])
        for split, path in paths.items():
            rows = train if split == "train" else _read_rows(path, labelled)
            views[f"{place.name}, {split}"] = _draw_rows(rows, plane, run.evaluation.classes)
    chosen = run.variants[run.evaluation.chosen_variant()]
    return Figure(
        "latent-map",
        "Utterances on the first two principal components of the recorded training rows, at most "
        f"{MOST_PER_CLASS} per class of each kind. Filled markers are recorded utterances, open "
        "ones synthetic. A supervised fusion has seen the labels of the training rows, so the "
        "test rows show how well it keeps classes apart. A click in the legend hides a class, a "
        "double click all others.",
        views,
        choice="Oversampler, fusion and split",
        first=f"{chosen['oversampler']}-{chosen['fusion']}, train",
        height=560,
        numbers=False,
    )


def choose_rows(labels: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Positions of at most `MOST_PER_CLASS` rows per class of each kind, in order: int64 [M]."""
    draw = np.random.default_rng(0)
    chosen = []
    for label in sorted(set(labels[pd.notna(labels)])):
        for kind in (False, True):
            members = np.flatnonzero((labels == label) & (synthetic == kind))
            if len(members) > MOST_PER_CLASS:
                members = draw.choice(members, MOST_PER_CLASS, replace=False)
            chosen.append(members)
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


class _Rows(NamedTuple):
    """Chosen rows of a table of latents: ids and labels [M], synthetic [M], latents [M, Z]."""

    ids: np.ndarray
    labels: np.ndarray
    synthetic: np.ndarray
    latents: np.ndarray


def _read_rows(path: Path, labelled: pd.DataFrame) -> _Rows:
    rows = read_table(path, LATENTS, ["utterance_id", "removed", "is_synthetic"])
    labels = labelled.set_index("utterance_id")["label"].reindex(rows["utterance_id"])
    labels = labels.where((rows["removed"] == NOTHING_REMOVED).to_numpy()).to_numpy(dtype=object)
    synthetic = rows["is_synthetic"].to_numpy(dtype=bool)
    chosen = choose_rows(labels, synthetic)
    ids = rows["utterance_id"].to_numpy(dtype=object)
    return _Rows(
        ids[chosen], labels[chosen], synthetic[chosen], read_matrix(path, "latent")[chosen]
    )


def _draw_rows(rows: _Rows, plane: Plane, classes: list[str]) -> dict[str, Any]:
    flat = plane.project(rows.latents)
    traces = []
    for position, name in enumerate(classes):
        for kind in (False, True):
            members = (rows.labels == name) & (rows.synthetic == kind)
            if members.any():
                traces.append(_points(name, kind, position, flat[members], rows.ids[members]))
    shape = layout(
        *(
            f"component {number} ({100 * share:.0f} % of variance)"
            for number, share in enumerate(plane.shares, start=1)
        )
    )
    for axis, name in enumerate(("xaxis", "yaxis")):
        tail = (100 - VISIBLE) / 2
        low, high = np.percentile(flat[:, axis], [tail, 100 - tail]) if len(flat) else (-1, 1)
        margin = 0.05 * (high - low) or 1
        shape[name] |= {"range": [low - margin, high + margin], "zeroline": False}
    return {"data": traces, "layout": shape}


def _points(
    name: str, synthetic: bool, position: int, flat: np.ndarray, ids: np.ndarray
) -> dict[str, Any]:
    symbol = SYMBOLS[position % len(SYMBOLS)]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name if not synthetic else f"{name}, synthetic",
        "legendgroup": name,
        "x": numbers(flat[:, 0], 3),
        "y": numbers(flat[:, 1], 3),
        "text": ids.tolist(),
        "hovertemplate": "%{text}",
        "marker": {
            "color": colour(position),
            "opacity": 0.85,
            "size": 7,
            "symbol": f"{symbol}-open" if synthetic else symbol,
            "line": {"width": 1.4 if synthetic else 0},
        },
    }
