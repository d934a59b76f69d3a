"""A map of the fused space: where recorded and synthetic utterances of each class lie.

The two directions are the first principal components of the recorded training rows. They are
chosen without the synthetic rows and without the labels, so that neither can look better placed
than it is; distances on the map are projected distances, no more.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.artifacts import read_matrix, read_table
from cberl.fuse.tables import LATENTS
from cberl.report.figures import Figure, colour, layout, numbers
from cberl.report.run import Run

MOST_PER_CLASS = 150
"""Points drawn of a class, recorded and synthetic each: more only hide one another."""

VISIBLE = 99
"""Percentage of the points that the axes show at first; outliers are a zoom away."""


def draw_latent_map(run: Run) -> Figure:
    """Maps of every fused space of the first seed."""
    views = {}
    for place, path in run.latents.items():
        synthetic = [
            frame
            for other, frame in run.synthetic.items()
            if place.name.startswith(f"{other.name}-") and other.seed == place.seed
        ]
        views[place.name] = _draw_space(path, pd.concat([run.utterances, *synthetic]), run)
    chosen = run.variants[run.evaluation.chosen_variant()]
    return Figure(
        "latent-map",
        "Training rows on the first two principal components of the recorded ones, at most "
        f"{MOST_PER_CLASS} per class of each kind. Filled markers are recorded utterances, open "
        "ones synthetic. A click in the legend hides a class, a double click all others.",
        views,
        choice="Oversampler and fusion",
        first=f"{chosen['oversampler']}-{chosen['fusion']}",
        height=560,
        numbers=False,
    )


def project(
    latents: np.ndarray, synthetic: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Project chosen rows onto the first two principal components of the recorded ones.

    Args:
        latents: float32 [N, Z].
        synthetic: bool [N].
        chosen: positions of the rows to show and, where recorded, to fit on: int64 [M].

    Returns:
        float64 [M, 2], and the shares of variance that the two components carry: float64 [2].
    """
    from sklearn.decomposition import PCA

    shown = latents[chosen].astype(np.float64)  # [M, Z]
    recorded = shown[~synthetic[chosen]]
    components = min(2, *recorded.shape)
    with np.errstate(invalid="ignore"):  # rows that are all alike have no variance to share out
        pca = PCA(components, svd_solver="randomized", random_state=0).fit(recorded)
    flat, shares = np.zeros((len(shown), 2)), np.zeros(2)
    flat[:, :components] = pca.transform(shown)
    shares[:components] = np.nan_to_num(pca.explained_variance_ratio_)
    # The sign of a component is arbitrary: make its largest loading positive.
    for axis, loadings in enumerate(pca.components_):
        flat[:, axis] *= np.sign(loadings[np.argmax(np.abs(loadings))]) or 1
    return flat, shares


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


def _draw_space(path: Path, labelled: pd.DataFrame, run: Run) -> dict[str, Any]:
    rows = read_table(path, LATENTS, ["utterance_id", "is_synthetic"])
    known = labelled.set_index("utterance_id")["label"]
    labels = known.reindex(rows["utterance_id"]).to_numpy(dtype=object)
    synthetic = rows["is_synthetic"].to_numpy(dtype=bool)
    chosen = choose_rows(labels, synthetic)
    flat, shares = project(read_matrix(path, "latent"), synthetic, chosen)
    traces = []
    for position, name in enumerate(run.evaluation.classes):
        for kind in (False, True):
            members = (labels[chosen] == name) & (synthetic[chosen] == kind)
            if members.any():
                ids = rows["utterance_id"].to_numpy()[chosen][members]
                traces.append(_points(name, kind, position, flat[members], ids))
    titles = [
        f"component {n + 1} ({100 * share:.0f} % of variance)" for n, share in enumerate(shares)
    ]
    shape = layout(*titles)
    for axis, name in enumerate(("xaxis", "yaxis")):
        tail = (100 - VISIBLE) / 2
        low, high = np.percentile(flat[:, axis], [tail, 100 - tail]) if len(flat) else (-1, 1)
        margin = 0.05 * (high - low) or 1
        shape[name] |= {"range": [low - margin, high + margin], "zeroline": False}
    return {"data": traces, "layout": shape}


def _points(
    name: str, synthetic: bool, position: int, flat: np.ndarray, ids: np.ndarray
) -> dict[str, Any]:
    hollow = {"symbol": "circle-open", "size": 6, "line": {"width": 1.4}}
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
            "opacity": 0.8,
            **(hollow if synthetic else {"symbol": "circle", "size": 6}),
        },
    }
