"""Classes before and after oversampling, and how good the new samples are."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cberl.oversample.quality.assess import QUANTITIES
from cberl.report.figures import Figure, bar_layout, bar_style
from cberl.report.formatting import counted, quantity_title
from cberl.report.run import Run
from cberl.tables import ALL_CLASSES


def count_classes(labels: pd.Series, classes: Sequence[str]) -> list[int]:
    """Rows per class."""
    return labels.value_counts().reindex(classes, fill_value=0).astype(int).tolist()


def draw_distribution(run: Run) -> Figure:
    """Training rows per class, recorded and synthetic, of every oversampler (first seed)."""
    classes = run.evaluation.classes
    real = count_classes(run.utterances.query("split == 'train'")["label"], classes)
    views = {}
    for place, frame in run.synthetic.items():
        if place.seed == run.evaluation.seeds[0]:
            made = count_classes(frame.loc[frame["is_synthetic"], "label"], classes)
            views[f"after {place.name}"] = _stacked(classes, real, made)
    views = {"before oversampling": _stacked(classes, real, [0] * len(classes)), **views}
    return Figure(
        "distribution",
        f"The training split has {counted(sum(real), 'labelled utterance')}. The rarest class "
        f"holds {counted(min(real), 'row')}, the most frequent {max(real):,}. Synthetic rows are "
        "added to training alone; dev and test stay as recorded.",
        views,
        choice="Training rows",
        first=list(views)[-1],
        height=340,
    )


def count_splits(run: Run) -> list[dict[str, Any]]:
    """Labelled utterances per class and split."""
    classes = run.evaluation.classes
    counts = {
        split: count_classes(frame["label"], classes)
        for split, frame in run.utterances.groupby("split", sort=False)
    }
    return [
        {"class": name, **{split: numbers[position] for split, numbers in counts.items()}}
        for position, name in enumerate(classes)
    ]


def tabulate_synthetic_quality(run: Run) -> list[dict[str, Any]]:
    """One table per oversampler: mean over seeds of every quantity by class, and all notes."""
    names = dict.fromkeys(place.name for place in run.synthetic_quality)
    return [_quality_of(run, name) for name in names]


def _quality_of(run: Run, oversampler: str) -> dict[str, Any]:
    frames = [frame for place, frame in run.synthetic_quality.items() if place.name == oversampler]
    rows = pd.concat(frames, ignore_index=True)
    order = [*run.evaluation.classes, ALL_CLASSES]
    columns = [label for label in order if label in set(rows["label"])]
    values = rows.pivot_table(index="quantity", columns="label", values="value", dropna=False)
    values = values.reindex(columns=columns)
    return {
        "oversampler": oversampler,
        "seeds": len(frames),
        "labels": columns,
        "rows": [
            {
                "quantity": name,
                "title": quantity_title(name),
                "meaning": meaning,
                "values": values.loc[name].tolist(),
            }
            for name, meaning in QUANTITIES.items()
            if name in values.index
        ],
        "notes": _notes(rows),
        "collapsed": _collapsed(rows),
    }


def _notes(rows: pd.DataFrame) -> list[str]:
    noted = rows.dropna(subset="note")
    found = noted.groupby("note", sort=False)["label"].unique()
    return [f"{', '.join(labels)}: {note}" for note, labels in found.items()]


def _collapsed(rows: pd.DataFrame) -> list[str]:
    collapsed = rows[(rows["quantity"] == "collapsed") & (rows["value"] > 0)]
    return [name for name in collapsed["label"].unique() if name != ALL_CLASSES]


def _stacked(classes: Sequence[str], real: list[int], made: list[int]) -> dict[str, Any]:
    bars = [
        {"type": "bar", "name": name, "x": list(classes), "y": counts, "marker": bar_style(place)}
        for place, (name, counts) in enumerate((("recorded", real), ("synthetic", made)))
        if any(counts)
    ]
    for bar in bars:
        bar |= {"text": bar["y"], "textposition": "auto", "textangle": 0}
        bar |= {"hovertemplate": "%{x}: %{y:,}"}
    return {"data": bars, "layout": bar_layout("training utterances", barmode="stack")}
