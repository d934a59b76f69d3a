"""Confusion matrices."""

from typing import Any

import numpy as np

from cberl.report.figures import Figure, layout
from cberl.report.findings import Evaluation
from cberl.report.formatting import counted
from cberl.tables import NOTHING_REMOVED

SCALE = [[0, "#f7fbff"], [0.25, "#c6dbef"], [0.5, "#6baed6"], [0.75, "#2171b5"], [1, "#08306b"]]


def draw_confusions(evaluation: Evaluation) -> list[Figure]:
    """Confusion matrices on test: the first variant's beside the chosen one's."""
    left, right = evaluation.variants[0], evaluation.chosen_variant()
    if left == right and len(evaluation.variants) > 1:
        left, right = right, next(name for name in evaluation.variants if name != right)
    views = {
        f"{variant}, {title}": _matrix(evaluation, variant, title)
        for title in ("% of the row", "utterances")
        for variant in evaluation.variants
    }
    caption = f"Rows are the truth, columns the prediction; {_over_seeds(evaluation)}."
    firsts = dict.fromkeys([left, right])
    return [
        Figure(
            f"confusion-{number}",
            caption,
            views,
            choice="Variant",
            first=f"{variant}, % of the row",
            height=max(440, 200 + 26 * len(evaluation.classes)),
        )
        for number, variant in enumerate(firsts)
    ]


def _matrix(evaluation: Evaluation, variant: str, title: str) -> dict[str, Any]:
    classes = evaluation.classes
    cells = evaluation.find("confusion", variant=variant, split="test", removed=NOTHING_REMOVED)
    counts = cells.pivot_table(index="true", columns="predicted", values="count", aggfunc="mean")
    counts = counts.loc[classes, classes].to_numpy(dtype=float)
    support = counts.sum(axis=1, keepdims=True)
    shares = 100 * counts / np.where(support, support, np.nan)
    shown = shares if title.startswith("%") else counts
    values = [[None if np.isnan(x) else round(float(x), 1) for x in row] for row in shown]
    shape = layout("predicted", "true")
    named = {"type": "category", "showgrid": False}
    shape["yaxis"] |= named | {"autorange": "reversed"}
    shape["xaxis"] |= named | {"side": "bottom", "tickangle": -40}
    heat = {
        "type": "heatmap",
        "x": classes,
        "y": classes,
        "z": values,
        "zmin": 0,
        "zmax": 100 if title.startswith("%") else None,
        "colorscale": SCALE,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "texttemplate": "%{z:.0f}" if title.startswith("%") else "%{z:,.4~g}",
        "hovertemplate": "%{y} taken for %{x}: %{z:.1f}<extra></extra>",
    }
    return {"data": [heat], "layout": shape}


def _over_seeds(evaluation: Evaluation) -> str:
    return f"mean over {counted(len(evaluation.seeds), 'seed')}"
