"""The report page: one file that needs nothing beside it and no network."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from cberl.report import words
from cberl.report.evaluation import Evaluation
from cberl.report.verdict import write_verdict

ASSETS = files("cberl.report") / "assets"


def render_page(evaluation: Evaluation, sections: dict[str, Any]) -> str:
    """Put the page together.

    Text out of the corpus reaches the page through the template's escaping alone.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"percent": words.percent, "spread": words.spread}
    template = environment.from_string((ASSETS / "page.html.j2").read_text(encoding="utf-8"))
    return template.render(
        evaluation=evaluation,
        verdict=write_verdict(evaluation, "index.html"),
        style=(ASSETS / "page.css").read_text(encoding="utf-8"),
        **sections,
    )
