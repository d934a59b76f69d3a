"""Putting measured tables into a page of docs/, each between two marks of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cberl import generated_section as marked_page
from cberl.configuration import PROJECT

PAGE = PROJECT / "docs/results.md"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column to the left, the others to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def bounds_table(
    measured: Mapping[str, float], bounds: Mapping[str, float], decimals: int = 1
) -> tuple[str, bool]:
    """A Markdown table of quantities, each with the most that it may be, and whether all are met.

    A quantity without a bound is shown and counts as met.
    """
    rows, all_met = [], True
    for name, value in measured.items():
        bound = bounds.get(name)
        met = bound is None or value <= bound
        all_met &= met
        compared = ("", "") if bound is None else (f"{bound:g}", "yes" if met else "no")
        rows.append((name, f"{value:.{decimals}f}", *compared))
    return markdown_table(("quantity", "measured", "at most", "met"), rows), all_met


def show(
    name: str, measured: Mapping[str, float], bounds: Mapping[str, float], decimals: int = 1
) -> int:
    """Print a `bounds_table`, put it into the section ``name``; exit status 0 if all is met."""
    table, all_met = bounds_table(measured, bounds, decimals)
    print(table)
    replace_section(name, table)
    return 0 if all_met else 1


def replace_section(name: str, text: str, path: Path = PAGE) -> None:
    """Replace the text between the marks of the section ``name`` of a page.

    Raises:
        ValueError: the page has no such marks.
    """
    marked_page.replace_section(path, name, text)
