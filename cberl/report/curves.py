"""Precision against recall, confidence against accuracy, and scores against epochs."""

from typing import Any

import numpy as np
import pandas as pd

from cberl.report.figures import Figure, colour, layout, line_style, numbers, percents
from cberl.report.findings import Evaluation
from cberl.report.formatting import percent, quantity_title
from cberl.report.run import Place, Run
from cberl.tables import NOTHING_REMOVED

RECALLS = np.linspace(0, 1, 51)
FEW_PREDICTIONS, BINS_MERGED_IF_FEW = 1500, 3
"""With fewer predictions the reliability curve has 5 bins, not 15; the error always has 15."""
KINDS = {"features": "text encoder", "train": "classifier", "fuse": "VAE", "oversample": "GAN"}


def draw_precision_recall(evaluation: Evaluation) -> Figure:
    """Precision-recall curves on test, means over seeds of the interpolated precision."""
    curves = {
        variant: _precision_of_variant(evaluation, variant) for variant in evaluation.variants
    }
    views = {}
    for variant in _chosen_first(evaluation):
        lines = [
            _curve(name, position, curves[variant][position], evaluation, variant, name)
            for position, name in enumerate(evaluation.classes)
        ]
        views[f"{variant}: all classes"] = _square(lines)
    for number, name in enumerate(evaluation.classes):
        lines = [
            _curve(variant, position, curves[variant][number], evaluation, variant, name)
            for position, variant in enumerate(evaluation.variants)
        ]
        views[f"{name}: all variants"] = _square(lines)
    return Figure(
        "precision-recall",
        "How precision falls as more of a class is found, over all thresholds on its probability; "
        "AP is the average precision. Curves are means over seeds.",
        views,
        choice="Curves",
        height=460,
        numbers=False,
    )


def draw_reliability(evaluation: Evaluation) -> Figure:
    """Accuracy against confidence on test, before and after the temperature; seeds pooled."""
    return Figure(
        "reliability",
        "Below the dotted line a model is surer than it is right. The error is the expected "
        "calibration error, the mean gap weighted by how many predictions fall into a bin; the "
        "marker grows with their number. Each network has a temperature, chosen on dev, that makes "
        "its probabilities fit without changing a prediction.",
        {
            "with the temperature": _reliability_of(evaluation, calibrated=True),
            "as trained": _reliability_of(evaluation, calibrated=False),
        },
        choice="Probabilities",
        height=460,
    )


def _reliability_of(evaluation: Evaluation, calibrated: bool) -> dict[str, Any]:
    lines: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "as sure as right",
            "x": [0, 100],
            "y": [0, 100],
            "line": {"color": "#8a949e", "dash": "dot", "width": 1.5},
            "hoverinfo": "skip",
        }
    ]
    for position, variant in enumerate(evaluation.variants):
        bins = evaluation.find("calibration", variant=variant, split="test", calibrated=calibrated)
        bins = bins[bins["utterances"] > 0]
        merged = BINS_MERGED_IF_FEW if bins["utterances"].sum() < FEW_PREDICTIONS else 1
        pooled = (
            bins.assign(
                bin=bins["bin"] // merged,
                confidence=bins["confidence"] * bins["utterances"],
                accuracy=bins["accuracy"] * bins["utterances"],
            )
            .groupby("bin")[["confidence", "accuracy", "utterances"]]
            .sum()
        )
        scores = evaluation.find("overall", variant=variant, split="test", removed=NOTHING_REMOVED)
        error = scores["calibration_error" if calibrated else "uncalibrated_error"].mean()
        sizes = np.sqrt(pooled["utterances"] / pooled["utterances"].max())
        lines.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"{variant} (error {percent(error)} %)",
                "x": percents(pooled["confidence"] / pooled["utterances"]),
                "y": percents(pooled["accuracy"] / pooled["utterances"]),
                "text": [f"{count:,} predictions" for count in pooled["utterances"]],
                "line": line_style(position),
                "marker": {"size": numbers(5 + 13 * sizes, 1)},
                "hovertemplate": "sure %{x:.1f} %, right %{y:.1f} %<br>%{text}",
            }
        )
    shape = layout("confidence: highest probability, %", "right, %")
    shape["xaxis"] |= {"range": [0, 102]}
    shape["yaxis"] |= {"range": [0, 102]}
    return {"data": lines, "layout": shape}


def draw_histories(run: Run) -> Figure:
    """Every training run's quantities by epoch."""
    groups: dict[str, dict[Place, pd.DataFrame]] = {}
    for place, history in run.histories.items():
        for quantity, rows in history.groupby("quantity", sort=False):
            label = f"{KINDS[place.stage]}: {quantity_title(quantity)}"
            groups.setdefault(label, {})[place] = rows
    views = {
        label: _history_view(members, label.split(": ")[1]) for label, members in groups.items()
    }
    first = next((label for label in views if label == "classifier: macro F1"), "")
    return Figure(
        "histories",
        "One line per seed or fold; dashed lines are the training split, solid ones dev. The epoch "
        "that is kept is chosen on dev.",
        views,
        choice="Quantity",
        first=first,
        numbers=False,
    )


def _precision_of_variant(evaluation: Evaluation, variant: str) -> np.ndarray:
    """Interpolated precision at `RECALLS`, mean over seeds: [K, len(RECALLS)]."""
    scored = evaluation.frames["scored"]
    chosen = (scored["variant"] == variant) & (scored["split"] == "test") & scored["label"].notna()
    curves = []
    for _, rows in scored[chosen].groupby("seed"):
        probabilities = evaluation.probabilities[rows.index]
        curves.append(
            [
                _interpolated_precision(
                    (rows["label"] == name).to_numpy(), probabilities[:, number]
                )
                for number, name in enumerate(evaluation.classes)
            ]
        )
    if not curves:  # no test utterance has a label
        return np.full((len(evaluation.classes), len(RECALLS)), np.nan)
    return np.mean(curves, axis=0)


def _interpolated_precision(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Best precision at each recall of `RECALLS` or above it; NaN if nothing is true."""
    from sklearn.metrics import precision_recall_curve

    if not truth.any():
        return np.full(len(RECALLS), np.nan)
    precision, recall, _ = precision_recall_curve(truth, scores)
    # Recall falls along the curve; its last point (recall 0, precision 1) is made up.
    best = np.maximum.accumulate(precision[:-1])
    last = np.searchsorted(-recall[:-1], -RECALLS + 1e-9, side="right") - 1
    return best[last]


def _curve(name, position, precision, evaluation, variant, label) -> dict[str, Any]:
    average = evaluation.score(variant, "average_precision", label)["mean"]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{name} (AP {percent(average)} %)",
        "x": percents(RECALLS),
        "y": percents(precision),
        "line": line_style(position),
        "hovertemplate": "recall %{x:.0f} %, precision %{y:.1f} %",
    }


def _square(lines: list[dict[str, Any]]) -> dict[str, Any]:
    shape = layout("recall, %", "precision, %")
    shape["xaxis"] |= {"range": [0, 101]}
    shape["yaxis"] |= {"range": [0, 103]}
    return {"data": lines, "layout": shape}


def _chosen_first(evaluation: Evaluation) -> list[str]:
    chosen = evaluation.chosen_variant()
    return [chosen, *(variant for variant in evaluation.variants if variant != chosen)]


def _seed_name(place: Place) -> str:
    return "" if place.seed is None else f" (seed {place.seed})"


def _history_view(members: dict[Place, pd.DataFrame], quantity: str) -> dict[str, Any]:
    names = list(dict.fromkeys(place.name for place in members))
    lines, shown = [], set()
    for place, rows in members.items():
        for split, part in rows.groupby("split", sort=False):
            label = f"{place.name}, {split}"
            lines.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": label,
                    "legendgroup": label,
                    "showlegend": label not in shown,
                    "x": part["epoch"].tolist(),
                    "y": numbers(part["value"]),
                    "line": {
                        "color": colour(names.index(place.name)),
                        "width": 1.6,
                        "dash": "dash" if split == "train" else "solid",
                    },
                    "hovertemplate": "epoch %{x}: %{y:.4g}" + _seed_name(place),
                }
            )
            shown.add(label)
    return {"data": lines, "layout": layout("epoch", quantity)}
