"""The report page: one self-contained file that needs no network."""

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from cberl.html_templates import html_templates, read_asset
from cberl.report import formatting as words
from cberl.report.confusion import draw_confusions
from cberl.report.conversation_browser import list_conversations
from cberl.report.curves import draw_histories, draw_precision_recall, draw_reliability
from cberl.report.distribution import count_splits, draw_distribution, tabulate_synthetic_quality
from cberl.report.doubts import write_doubts
from cberl.report.figures import Figure
from cberl.report.headline import (
    compared,
    explain_scores,
    rank_variants,
    tabulate_classes,
    write_headline,
)
from cberl.report.latent_map import draw_latent_map
from cberl.report.provenance_section import describe_origin
from cberl.report.quality_section import describe_quality
from cberl.report.run import Run
from cberl.report.score_bars import draw_contribution, draw_per_class, draw_subgroups

ASSETS = files("cberl.report") / "assets"


def render_page(run: Run) -> str:
    """Put the page together.

    Text of the corpus reaches the page in two ways only: through the template's escaping, or as
    JSON (`embed_json`) that the page's script shows as text.

    Returns:
        HTML with style, script, data and plotly.js inside.
    """
    contribution = draw_contribution(run.evaluation)
    figures = {
        "distribution": draw_distribution(run),
        "per_class": draw_per_class(run.evaluation),
        "confusions": draw_confusions(run.evaluation),
        "precision_recall": draw_precision_recall(run.evaluation),
        "reliability": draw_reliability(run.evaluation),
        "histories": draw_histories(run),
        "latent_map": draw_latent_map(run),
        "contribution": contribution,
        "subgroups": draw_subgroups(run.evaluation),
    }
    data = {
        "figures": {figure.name: figure.payload() for figure in _flat(figures.values())},
        "conversations": list_conversations(run),
    }
    template = _environment().get_template("page.html.j2")
    return template.render(
        run=run,
        evaluation=run.evaluation,
        figures=figures,
        headline=write_headline(run.evaluation),
        explanation=explain_scores(run.evaluation),
        doubts=write_doubts(run, run.evaluation.variants),
        ranking=rank_variants(run.evaluation),
        class_rows=tabulate_classes(run.evaluation),
        compared=compared(run.evaluation),
        split_counts=count_splits(run),
        synthetic_quality=tabulate_synthetic_quality(run),
        corpus_quality=describe_quality(run),
        origin=describe_origin(run),
        data=embed_json(data),
        style=read_asset(ASSETS, "page.css"),
        scripts=[read_asset(ASSETS, name) for name in ("figures.js", "conversations.js")],
        plotly=(files("plotly") / "package_data/plotly.min.js").read_text(encoding="utf-8"),
    )


def embed_json(data: Any) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _environment() -> Environment:
    environment = html_templates(ASSETS)
    environment.filters |= {
        "percent": words.percent,
        "points": words.points,
        "spread": words.spread,
        "interval_words": words.interval_words,
        "classify_difference": words.classify_difference,
    }
    return environment


def _flat(figures: Iterable[Figure | list[Figure] | None]) -> Iterable[Figure]:
    for figure in figures:
        if isinstance(figure, list):
            yield from figure
        elif figure is not None:
            yield figure
