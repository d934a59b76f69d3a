"""A model card for each trained model, in the order of Mitchell et al., "Model Cards for Model
Reporting", FAT* 2019: what it is, what it is for and not for, data, scores, limits."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, StrictUndefined

from cberl.html_templates import read_asset
from cberl.printable import printable
from cberl.report.distribution import count_classes, count_splits
from cberl.report.doubts import write_doubts
from cberl.report.formatting import percent, points, spread
from cberl.report.headline import RANKED
from cberl.report.page import ASSETS
from cberl.report.run import Run
from cberl.report.score_bars import GROUPINGS
from cberl.tables import NOTHING_REMOVED


def write_model_card(run: Run, variant: str, seed: int) -> str:
    """Write the card of one variant trained with one seed, as Markdown."""
    # Markdown, not HTML: the filters escape what comes from a corpus.
    environment = Environment(  # noqa: S701
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "percent": percent,
        "points": points,
        "spread": spread,
        "cell": cell,
        "interval_cell": interval_cell,
    }
    template = environment.from_string(read_asset(ASSETS, "model_card.md.j2"))
    evaluation = run.evaluation
    return template.render(
        run=run,
        evaluation=evaluation,
        points=points,
        variant=variant,
        seed=seed,
        settings=run.variants[variant],
        splits=_describe_splits(run),
        split_counts=count_splits(run),
        synthetic=_count_synthetic(run, variant, seed),
        classes=_score_classes(run, variant, seed),
        overall=_score_overall(run, variant, seed),
        removed=_score_removed(run, variant),
        subgroups=_score_subgroups(run, variant, seed),
        doubts=write_doubts(run, [variant]),
    )


def interval_cell(score: Mapping[str, float], write: Callable[[float], str] = percent) -> str:
    """``41.0 to 52.3``, as ``write`` has its ends; a dash where none was made."""
    ends = write(score["lower"]), write(score["upper"])
    return " to ".join(ends) if "–" not in ends else "–"


def cell(text: object) -> str:
    """Text of others in Markdown: none of it is markup, a link or a line break."""
    escaped = re.sub(r"([\\`*_\[\]|#])", r"\\\1", str(text)).replace("<", "&lt;")
    return " ".join(printable(" ".join(escaped.split())).split())


def _describe_splits(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "split": split,
            "dialogues": rows["dialogue_id"].nunique(),
            "utterances": len(rows),
            "labelled": int(rows["label"].notna().sum()),
            "speakers": rows["speaker"].nunique(),
        }
        for split, rows in run.utterances.groupby("split", sort=False)
    ]


def _count_synthetic(run: Run, variant: str, seed: int) -> dict[str, int]:
    oversampler = run.variants[variant]["oversampler"]
    for place, frame in run.synthetic.items():
        if (place.name, place.seed) == (oversampler, seed):
            made = frame.loc[frame["is_synthetic"], "label"]
            classes = run.evaluation.classes
            return dict(zip(classes, count_classes(made, classes), strict=True))
    return {}


def _score_classes(run: Run, variant: str, seed: int) -> list[dict[str, Any]]:
    evaluation = run.evaluation
    own = evaluation.find(
        "per_class", variant=variant, seed=seed, split="test", removed=NOTHING_REMOVED
    ).set_index("class")
    return [
        {"class": name, "own": own.loc[name], "all": evaluation.score(variant, "f1", name)}
        for name in evaluation.classes
    ]


def _score_overall(run: Run, variant: str, seed: int) -> list[dict[str, Any]]:
    evaluation = run.evaluation
    rows = evaluation.find(
        "overall", variant=variant, seed=seed, split="test", removed=NOTHING_REMOVED
    )
    return [
        {"title": title, "own": rows[metric].iloc[0], "all": evaluation.score(variant, metric)}
        for title, metric in RANKED.items()
    ]


def _score_removed(run: Run, variant: str) -> list[dict[str, Any]]:
    rows = run.evaluation.find("contribution", variant=variant, split="test", metric="macro_f1")
    return rows.to_dict("records")


def _score_subgroups(run: Run, variant: str, seed: int) -> list[dict[str, Any]]:
    rows = run.evaluation.find("subgroups", variant=variant, seed=seed, split="test")
    titles = {grouping: title for title, grouping in GROUPINGS.items()}
    return rows.assign(title=rows["grouping"].map(titles)).to_dict("records")
