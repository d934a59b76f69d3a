"""The verdict as plain text: the table printed at the end of a run."""

from collections.abc import Iterator

from cberl.report.findings import Evaluation
from cberl.report.formatting import counted, difference_words, listed, spread
from cberl.report.headline import tested

WIDTH = 100
SIDE_BY_SIDE = 2
CELL = 12
LONGEST_NAME = 14
SCORES = ("precision", "recall", "f1")
HEADINGS = ("precision", "recall", "F1")


def write_verdict(evaluation: Evaluation, page: str) -> str:
    """Write the per-class table of all variants, at most `WIDTH` columns wide.

    Args:
        page: path of the report, which becomes the last line.

    Returns:
        The text, ending with a line break.
    """
    lines = [*_heading(evaluation)]
    for first in range(0, len(evaluation.variants), SIDE_BY_SIDE):
        lines += ["", *_table(evaluation, evaluation.variants[first : first + SIDE_BY_SIDE])]
    lines += ["", *_comparisons(evaluation), "", f"Report: {page}"]
    return "\n".join(lines) + "\n"


def _heading(evaluation: Evaluation) -> Iterator[str]:
    seeds = evaluation.seeds
    utterances, dialogues = tested(evaluation)
    spread_over = f"over {counted(len(seeds), 'seed')} ({listed(seeds)})"
    yield (
        f"Emotion per utterance on {evaluation.corpus}: "
        f"{counted(utterances, 'test utterance')} in {counted(dialogues, 'dialogue')}."
    )
    if len(seeds) > 1:
        yield f"Percent, mean ± standard deviation {spread_over}."
    else:
        yield f"Percent, of one seed ({seeds[0]})."


def _table(evaluation: Evaluation, variants: list[str]) -> Iterator[str]:
    width = min(LONGEST_NAME, max(len(name) for name in [*evaluation.classes, "weighted F1"]))
    support = evaluation.support()
    yield " " * (width + 9) + "".join(f"  {name:^{3 * CELL}.{3 * CELL}}" for name in variants)
    headings = "".join(f"{heading:>{CELL}}" for heading in HEADINGS)
    header = f"{'class':<{width}}{'support':>9}" + f"  {headings}" * len(variants)
    yield header
    yield "-" * len(header)
    for name in evaluation.classes:
        cells = "".join(
            "  " + "".join(f"{_cell(evaluation, variant, score, name):>{CELL}}" for score in SCORES)
            for variant in variants
        )
        yield f"{name:<{width}.{width}}{support[name]:>9,}{cells}"
    yield "-" * len(header)
    for title, score in (("weighted F1", "weighted_f1"), ("macro F1", "macro_f1")):
        cells = "".join(
            f"  {spread(evaluation.score(variant, score)):>{3 * CELL}}" for variant in variants
        )
        yield f"{title:<{width}}{sum(support.values()):>9,}{cells}"


def _cell(evaluation: Evaluation, variant: str, score: str, name: str) -> str:
    return spread(evaluation.score(variant, score, name))


def _comparisons(evaluation: Evaluation) -> Iterator[str]:
    reference, *others = evaluation.variants
    if not sum(evaluation.support().values()):
        yield "No test utterance has a label: the predictions are in train/, their scores nowhere."
        return
    for variant in others:
        difference = evaluation.difference(variant, reference, "macro_f1")
        yield f"{variant} against {reference}, macro F1:"
        yield f"  {difference_words(difference, evaluation.confidence)}"
