"""The verdict as plain text: the table printed at the end of a run."""

from collections.abc import Iterator
from textwrap import wrap
from unicodedata import combining, east_asian_width

from cberl.printable import printable
from cberl.report.doubts import doubts_of_dev
from cberl.report.findings import Evaluation
from cberl.report.formatting import counted, difference_words, listed, spread
from cberl.report.headline import tested

WIDTH = 100
SIDE_BY_SIDE = 2
CELL = 12
SUPPORT = 9
SCORES = ("precision", "recall", "f1")
HEADINGS = ("precision", "recall", "F1")


def write_verdict(evaluation: Evaluation, page: str) -> str:
    """Write the per-class table of all variants.

    It is at most `WIDTH` columns wide, as far as the names of classes allow: those stand in full.

    Args:
        page: path of the report, which becomes the last line.

    Returns:
        The text, ending with a line break.
    """
    lines = [*_heading(evaluation)]
    width = max(map(columns_of, [*evaluation.classes, "weighted F1"]))
    block = 2 + len(HEADINGS) * CELL
    side_by_side = min(SIDE_BY_SIDE, max(1, (WIDTH - width - SUPPORT) // block))
    scored = evaluation.variants if tested(evaluation)[0] else []
    for first in range(0, len(scored), side_by_side):
        some = scored[first : first + side_by_side]
        lines += ["", *_table(evaluation, some, width)]
    lines += ["", *_comparisons(evaluation)]
    for doubt in doubts_of_dev(evaluation):
        lines += wrap(doubt, WIDTH)
    lines += ["", f"Report: {page}"]
    return printable("\n".join(lines) + "\n")


def _heading(evaluation: Evaluation) -> Iterator[str]:
    seeds = evaluation.seeds
    utterances, dialogues = tested(evaluation)
    if not utterances:
        yield f"{evaluation.corpus}: {counted(dialogues, 'test dialogue')} without a label."
        return
    spread_over = f"over {counted(len(seeds), 'seed')} ({listed(seeds)})"
    yield (
        f"Emotion per utterance on {evaluation.corpus}: "
        f"{counted(utterances, 'test utterance')} in {counted(dialogues, 'dialogue')}."
    )
    if len(seeds) > 1:
        yield f"Percent, mean ± standard deviation {spread_over}."
    else:
        yield f"Percent, of one seed ({seeds[0]})."
    if evaluation.groups == 1:
        yield f"The test split is one {evaluation.split_by}: there are no intervals."
    else:
        sampled = counted(evaluation.groups, evaluation.split_by)
        yield f"Intervals resample {sampled} of the test split."


def columns_of(text: str) -> int:
    """Columns that text takes on a terminal: Chinese and the like take two a character."""
    wide = sum(east_asian_width(sign) in ("W", "F") for sign in text)
    return len(text) + wide - sum(map(bool, map(combining, text)))


def _table(evaluation: Evaluation, variants: list[str], width: int) -> Iterator[str]:
    support = evaluation.support()
    yield " " * (width + SUPPORT) + "".join(f"  {name:^{3 * CELL}.{3 * CELL}}" for name in variants)
    headings = "".join(f"{heading:>{CELL}}" for heading in HEADINGS)
    header = f"{'class':<{width}}{'support':>{SUPPORT}}" + f"  {headings}" * len(variants)
    yield header
    yield "-" * len(header)
    for name in evaluation.classes:
        cells = "".join(
            "  " + "".join(f"{_cell(evaluation, variant, score, name):>{CELL}}" for score in SCORES)
            for variant in variants
        )
        padded = name + " " * (width - columns_of(name))
        yield f"{padded}{support[name]:>{SUPPORT},}{cells}"
    yield "-" * len(header)
    for title, score in (("weighted F1", "weighted_f1"), ("macro F1", "macro_f1")):
        cells = "".join(
            f"  {spread(evaluation.score(variant, score)):>{3 * CELL}}" for variant in variants
        )
        yield f"{title:<{width}}{sum(support.values()):>{SUPPORT},}{cells}"


def _cell(evaluation: Evaluation, variant: str, score: str, name: str) -> str:
    return spread(evaluation.score(variant, score, name))


def _comparisons(evaluation: Evaluation) -> Iterator[str]:
    reference, *others = evaluation.variants
    if not tested(evaluation)[0]:
        yield "No test utterance has a label: the predictions are in train/, without scores."
        return
    for variant in others:
        difference = evaluation.difference(variant, reference, "macro_f1")
        yield f"{variant} against {reference}, macro F1:"
        yield f"  {difference_words(difference, evaluation.confidence)}"
