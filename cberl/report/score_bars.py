"""Bars of scores: per class, by what a modality adds, by part of the test split."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cberl.report.figures import INK, Figure, bar_layout, bar_style, error_bars, percents
from cberl.report.findings import Evaluation
from cberl.report.formatting import counted
from cberl.tables import ALL_CLASSES, NOTHING_REMOVED

PER_CLASS = {"F1": "f1", "precision": "precision", "recall": "recall"}
GROUPINGS = {
    "emotion shift": "emotion_shift",
    "length of the dialogue": "dialogue_length",
    "speaker": "speaker",
    "available modalities": "modalities",
}


def draw_per_class(evaluation: Evaluation) -> Figure:
    """Precision, recall and F1 of each class on test, variant beside variant."""
    views = {}
    for title, metric in PER_CLASS.items():
        rows = evaluation.find("summary", split="test", removed=NOTHING_REMOVED, metric=metric)
        bars = [
            _bar(variant, position, rows[rows["variant"] == variant], evaluation.classes)
            for position, variant in enumerate(evaluation.variants)
        ]
        views[title] = {"data": bars, "layout": _percent_layout(f"{title} on test, %")}
    whiskers = (
        f"; whiskers are {100 * evaluation.confidence:g} % intervals of that mean from "
        f"{evaluation.resamples:,} bootstrap resamples of the test {evaluation.split_by}s"
        if evaluation.groups > 1
        else ""
    )
    return Figure(
        "per-class",
        f"Bars are means over {counted(len(evaluation.seeds), 'seed')}{whiskers}.",
        views,
        choice="Score",
    )


def draw_contribution(evaluation: Evaluation) -> Figure | None:
    """What removing a modality at test time costs; None where there is only one modality."""
    rows = evaluation.find("contribution", split="test")
    if rows.empty:
        return None
    removed = list(dict.fromkeys(rows["removed"]))
    overall = rows[(rows["class"] == ALL_CLASSES) & (rows["metric"] == "macro_f1")]
    views = {
        "all classes (macro F1)": _contribution_view(
            overall, removed, "variant", evaluation.variants, "removed"
        )
    }
    for variant in evaluation.variants:
        own = rows[(rows["variant"] == variant) & (rows["metric"] == "f1")]
        views[f"{variant}, class by class"] = _contribution_view(
            own, evaluation.classes, "removed", removed, "class"
        )
    return Figure(
        "contribution",
        "Points lost when a modality is hidden from the trained model at test time: above zero, "
        "the modality helps."
        + (" Whiskers are intervals from the same bootstrap." if evaluation.groups > 1 else ""),
        views,
        choice="Scores",
    )


def draw_subgroups(evaluation: Evaluation) -> Figure:
    """Accuracy on parts of the test split: where the errors are."""
    rows = evaluation.find("subgroups", split="test")
    views = {}
    for title, grouping in GROUPINGS.items():
        part = rows[rows["grouping"] == grouping]
        groups = list(dict.fromkeys(part["group"]))
        sizes = part.groupby("group")["utterances"].first()
        labels = [f"{name}\n({counted(int(sizes[name]), 'utterance')})" for name in groups]
        bars = []
        for position, variant in enumerate(evaluation.variants):
            seeds = part[part["variant"] == variant].groupby("group")["accuracy"]
            means, stds = seeds.mean()[groups], seeds.std()[groups].fillna(0)
            bars.append(
                {
                    "type": "bar",
                    "name": variant,
                    "x": labels,
                    "y": percents(means),
                    "error_y": error_bars(means, means - stds, means + stds),
                    "marker": bar_style(position),
                    "hovertemplate": "%{y:.1f} %",
                }
            )
        views[title] = {"data": bars, "layout": _percent_layout("accuracy on test, %")}
    return Figure(
        "subgroups",
        "Share of utterances that are right, on parts of the test split; whiskers are standard "
        "deviations over seeds. An emotion shift is a turn whose emotion differs from the same "
        "speaker's last one.",
        views,
        choice="Parts",
    )


def _bar(variant: str, position: int, rows: pd.DataFrame, classes: list[str]) -> dict[str, Any]:
    rows = rows.set_index("class").loc[classes]
    return {
        "type": "bar",
        "name": variant,
        "x": classes,
        "y": percents(rows["mean"]),
        "error_y": error_bars(rows["mean"], rows["lower"], rows["upper"]),
        "marker": bar_style(position),
        "hovertemplate": "%{x}: %{y:.1f} %",
    }


def _contribution_view(
    rows: pd.DataFrame, groups: list[str], series: str, members: list[str], axis: str
) -> dict[str, Any]:
    bars = []
    for position, member in enumerate(members):
        own = rows[rows[series] == member].set_index(axis).reindex(groups)
        bars.append(
            {
                "type": "bar",
                "name": member if series == "variant" else f"{member} hidden",
                "x": [f"{group} hidden" for group in groups] if axis == "removed" else groups,
                "y": percents(own["difference"]),
                "error_y": error_bars(own["difference"], own["lower"], own["upper"]),
                "marker": bar_style(position),
                "hovertemplate": "%{y:+.1f} points",
            }
        )
    shape = bar_layout("points of F1 that it adds")
    shape["yaxis"] |= {"zeroline": True, "zerolinecolor": INK}
    return {"data": bars, "layout": shape}


def _percent_layout(title: str) -> dict[str, Any]:
    shape = bar_layout(title)
    shape["yaxis"] |= {"range": [0, 100]}
    return shape


def never_predicted(evaluation: Evaluation, variants: Sequence[str]) -> dict[str, list[str]]:
    """Variant -> classes that occur in test and that none of its seeds ever predicts."""
    rows = evaluation.find("per_class", split="test", removed=NOTHING_REMOVED)
    totals = rows[rows["support"] > 0].groupby(["variant", "class"], sort=False)["predicted"].sum()
    silent = totals[totals == 0].reset_index()
    found = {name: silent.loc[silent["variant"] == name, "class"].tolist() for name in variants}
    return {name: classes for name, classes in found.items() if classes}
