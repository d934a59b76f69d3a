"""The first thing on the page: which variant, how good per class, how sure, and what to doubt."""

from typing import Any

import numpy as np

from cberl.report.findings import Evaluation
from cberl.report.formatting import (
    counted,
    difference_words,
    interval_words,
    percent,
    spread,
)
from cberl.tables import ALL_CLASSES

RANKED = {
    "macro F1": "macro_f1",
    "weighted F1": "weighted_f1",
    "UAR": "uar",
    "accuracy": "accuracy",
    "calibration error": "calibration_error",
}


def write_headline(evaluation: Evaluation) -> list[str]:
    """The verdict in a few sentences."""
    if not tested(evaluation)[0]:
        return ["No test utterance has a label: predictions are shown, but there are no scores."]
    chosen, reference = evaluation.chosen_variant(), evaluation.variants[0]
    macro, weighted = (evaluation.score(chosen, name) for name in ("macro_f1", "weighted_f1"))
    sentences = [
        f"On {counted(tested(evaluation)[0], 'test utterance')} of "
        f"{counted(tested(evaluation)[1], 'dialogue')}, {chosen} reaches a macro F1 of "
        f"{spread(macro)} ({interval_words(macro, evaluation.confidence)}) and a weighted F1 of "
        f"{spread(weighted)} ({interval_words(weighted, evaluation.confidence)}), in percent, "
        f"over {counted(len(evaluation.seeds), 'seed')}."
    ]
    if chosen != reference:
        difference = evaluation.difference(chosen, reference, "macro_f1")
        words = difference_words(difference, evaluation.confidence)
        sentences.append(f"Macro F1 against {reference}: {words}.")
    sentences.append(_extremes(evaluation, chosen))
    if len(evaluation.variants) > 1:
        sentences.append(
            f"{chosen} was chosen among {counted(len(evaluation.variants), 'variant')} by its "
            "macro F1 on dev, not on test."
        )
    return sentences


def explain_scores(evaluation: Evaluation) -> str:
    """How to read the tables of scores: what was averaged, resampled and compared."""
    seeds, what = len(evaluation.seeds), evaluation.split_by
    sentences = ["In percent."]
    covered = f"they cover the choice of {what}s"
    if seeds > 1:
        sentences = [f"In percent; mean ± standard deviation over {seeds} seeds."]
        covered += ", the standard deviation the choice of seed"
    if evaluation.groups > 1:
        sentences.append(
            f"Intervals cover {100 * evaluation.confidence:g} % and come from "
            f"{evaluation.resamples:,} bootstrap resamples of the {evaluation.groups} test "
            f"{what}s; {covered}."
        )
        if len(evaluation.variants) > 1:
            sentences.append(
                "Differences are of the same resamples for both variants and are not corrected "
                "for how many are made."
            )
    sentences.append("UAR is the unweighted average recall.")
    if seeds > 1:
        sentences.append(
            "Seeds together: the class of the highest mean probability over the seeds, one model "
            "of several networks."
        )
    return " ".join(sentences)


def rank_variants(evaluation: Evaluation) -> list[dict[str, Any]]:
    """One row per variant: overall scores with intervals, and macro F1 against the first."""
    reference, chosen = evaluation.variants[0], evaluation.chosen_variant()
    return [
        {
            "variant": variant,
            "chosen": variant == chosen,
            "dev": evaluation.score(variant, "macro_f1", split="dev"),
            "scores": {
                title: evaluation.score(variant, metric) for title, metric in RANKED.items()
            },
            "together": evaluation.find(
                "ensemble", variant=variant, split="test", name=ALL_CLASSES
            ).loc["macro_f1", "value"],
            "difference": None
            if variant == reference
            else evaluation.difference(variant, reference, "macro_f1"),
        }
        for variant in evaluation.variants
    ]


def tabulate_classes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """One row per class: support, and precision, recall and F1 of two variants to compare."""
    support = evaluation.support()
    return [
        {
            "class": name,
            "support": support[name],
            "variants": [
                {
                    metric: evaluation.score(variant, metric, name)
                    for metric in ("precision", "recall", "f1")
                }
                for variant in compared(evaluation)
            ],
        }
        for name in evaluation.classes
    ]


def compared(evaluation: Evaluation) -> list[str]:
    """The chosen variant beside the first of the table, or beside the second if it is that."""
    chosen = evaluation.chosen_variant()
    others = [variant for variant in evaluation.variants if variant != chosen]
    return [*others[:1], chosen]


def tested(evaluation: Evaluation) -> tuple[int, int]:
    """Labelled utterances of the test split, and all its dialogues, be they without a label."""
    dialogues = evaluation.find("scored", split="test")["dialogue_id"].nunique()
    return evaluation.labelled("test"), int(dialogues)


def _extremes(evaluation: Evaluation, variant: str) -> str:
    support = evaluation.support()
    scores = {
        name: evaluation.score(variant, "f1", name)["mean"]
        for name in evaluation.classes
        if support[name]
    }
    best, worst = max(scores, key=scores.get), min(scores, key=scores.get)
    if scores[best] == scores[worst]:
        return f"Its F1 is {percent(scores[best])} for every class."
    one = percent(np.divide(1, support[worst]))
    return (
        f"It is best at {best} (F1 {percent(scores[best])}) and weakest at {worst} "
        f"(F1 {percent(scores[worst])}; {counted(support[worst], 'test utterance')}, so each is "
        f"{one} points of recall)."
    )
