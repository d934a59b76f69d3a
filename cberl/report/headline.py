"""The first thing on the page: which variant, how good per class, how sure, and what to doubt."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cberl.report.distribution import tabulate_synthetic_quality
from cberl.report.findings import Evaluation
from cberl.report.formatting import (
    counted,
    difference_words,
    interval_words,
    listed,
    percent,
    spread,
)
from cberl.report.run import Run
from cberl.report.score_bars import never_predicted
from cberl.tables import ALL_CLASSES, NOTHING_REMOVED

RANKED = {
    "macro F1": "macro_f1",
    "weighted F1": "weighted_f1",
    "UAR": "uar",
    "accuracy": "accuracy",
    "calibration error": "calibration_error",
}
FEW = 30


def write_headline(evaluation: Evaluation) -> list[str]:
    """The verdict in a few sentences."""
    if not tested(evaluation)[0]:
        return ["No test utterance has a label: what the models say is shown, not how good it is."]
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
            "macro F1 on dev; test had no say in it."
        )
    return sentences


def write_doubts(run: Run, variants: Sequence[str]) -> list[str]:
    """What a reader must know before believing these variants' numbers, a doubt each."""
    evaluation = run.evaluation
    oversamplers = {run.variants[variant]["oversampler"] for variant in variants}
    doubts = []
    video = run.encoders.get("video", {})
    if video.get("trained") is False:
        doubts.append(
            f"The video network is untrained: the weights of {video['encoder']} are random. What "
            "it makes of a face is little more than noise, so nothing here tells how much video "
            "can add. Set features.video.weights to use trained ones."
        )
    for variant, classes in never_predicted(evaluation, variants).items():
        doubts.append(f"{variant} never predicts {listed(classes)} on test, under any seed.")
    for table in tabulate_synthetic_quality(run):
        if table["collapsed"] and table["oversampler"] in oversamplers:
            doubts.append(
                f"The samples of {table['oversampler']} have collapsed for "
                f"{listed(table['collapsed'])}: they do not spread as the recorded rows do."
            )
    rare = {name: count for name, count in evaluation.support().items() if 0 < count < FEW}
    if rare:
        named = listed([f"{name} ({count})" for name, count in rare.items()])
        doubts.append(
            f"Few test utterances stand behind {named}: read their intervals, not their means."
        )
    absent = [name for name, count in evaluation.support().items() if not count]
    if absent and len(absent) < len(evaluation.classes):
        doubts.append(f"The test split has no {listed(absent)}: nothing is known of that.")
    dialogues = tested(evaluation)[1]
    if dialogues < FEW:
        doubts.append(
            f"The test split has {counted(dialogues, 'dialogue')}: intervals resampled from so "
            "few are narrower than they should be."
        )
    if len(evaluation.seeds) < 3:
        doubts.append(
            f"{counted(len(evaluation.seeds), 'seed').capitalize()} can hardly show how much "
            "results vary from one training to the next; to report results, run five or more."
        )
    return doubts


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
    rows = evaluation.find("overall", split="test", removed=NOTHING_REMOVED)
    dialogues = evaluation.find("judged", split="test")["dialogue_id"].nunique()
    return int(rows["utterances"].iloc[0]), int(dialogues)


def _extremes(evaluation: Evaluation, variant: str) -> str:
    support = evaluation.support()
    scores = {
        name: evaluation.score(variant, "f1", name)["mean"]
        for name in evaluation.classes
        if support[name]
    }
    best, worst = max(scores, key=scores.get), min(scores, key=scores.get)
    one = percent(np.divide(1, support[worst]))
    return (
        f"It is best at {best} (F1 {percent(scores[best])}) and weakest at {worst} "
        f"(F1 {percent(scores[worst])}; {counted(support[worst], 'test utterance')}, so each is "
        f"{one} points of recall)."
    )
