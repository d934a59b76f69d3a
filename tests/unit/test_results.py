"""The page of measurements: its first lines say what its tables hold."""

import re

import pytest

from cberl.configuration import PROJECT

PAGE = (PROJECT / "docs/results.md").read_text(encoding="utf-8")
NUMBERS = {2: "two whole seeds", 5: "five whole seeds"}


def section(name: str) -> str:
    """What a command wrote into the page."""
    return PAGE.split(f"<!-- {name}: begin -->")[1].split(f"<!-- {name}: end -->")[0]


def summary(name: str) -> str:
    """The entry of "In short" that is about a section, on one line."""
    start = {
        "evidence-meld": "MELD's text, MiniLM",
        "evidence-pair": "With a second encoder",
        "evidence-emorynlp": "EmoryNLP",
        "rotated-demo": "Small corpora",
    }[name]
    entries = PAGE.split("## In short\n")[1].split("\n## ")[0].split("\n- ")
    [entry] = [" ".join(one.split()) for one in entries if one.startswith(start)]
    return entry


def cells(name: str, arm: str, heading: str) -> list[str]:
    """The row of an arm in the first table after a heading, or of a section without one."""
    table = section(name).split(heading)[1]
    return re.search(rf"^\| {arm} \|(.*)\|$", table, re.M)[1].split("|")


def means(name: str, arm: str) -> tuple[str, str]:
    """Weighted and macro F1 of an arm, the last two columns."""
    weighted, macro = (cell.split("±")[0].strip() for cell in cells(name, arm, "| arm |")[-2:])
    return weighted, macro


@pytest.mark.parametrize("name", ["evidence-meld", "evidence-pair", "evidence-emorynlp"])
def test_the_summary_has_the_figures_of_the_table(name: str) -> None:
    for arm in ("cberl", "baseline"):
        weighted, macro = means(name, arm)
        assert re.search(rf"{arm} {weighted}( weighted and | / ){macro}\b", summary(name)), arm


@pytest.mark.parametrize("name", ["evidence-meld", "evidence-pair", "evidence-emorynlp"])
def test_the_summary_has_as_many_seeds_as_the_table(name: str) -> None:
    seeds = int(re.search(r"seeds: (\d+)", section(name))[1])
    assert NUMBERS[seeds] in summary(name)


@pytest.mark.parametrize(
    "name", ["evidence-meld", "evidence-pair", "evidence-emorynlp", "rotated-demo"]
)
def test_the_summary_has_what_cberl_gains_with_its_interval(name: str) -> None:
    gained = cells(name, "cberl", "gainst the baseline, in points")[0].strip()
    value, interval = gained.split(" (")
    assert f"{value} ({interval.replace('+', '')}" in summary(name)
