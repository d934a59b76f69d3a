"""What a reader must know before believing the numbers."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cberl.features.tables import LOG_PROBABILITIES
from cberl.fuse.settings import VAESettings
from cberl.report.distribution import tabulate_synthetic_quality
from cberl.report.findings import Evaluation
from cberl.report.formatting import counted, listed, percent
from cberl.report.run import Run
from cberl.report.score_bars import never_predicted
from cberl.train.settings import EPOCHS_AVERAGED

FEW = 30
SATURATED = 0.98
"""Accuracy on dev above which dev can no longer distinguish variants."""
LARGEST_GAP = 0.1
"""Accuracy lost from dev to test that no chance explains in splits of a usual size."""


def write_doubts(run: Run, variants: Sequence[str]) -> list[str]:
    """Reasons to doubt these variants' scores, a sentence or two each."""
    return [
        *_of_models(run, variants),
        # Without labels there are no scores to doubt.
        *(_of_test(run) if run.evaluation.labelled("test") else ()),
        *doubts_of_dev(run.evaluation),
        *_within_chance(run, variants),
        *_without_effect(run, variants),
    ]


def _of_models(run: Run, variants: Sequence[str]) -> Iterator[str]:
    video = run.encoders.get("video", {})
    if video.get("trained") is False:
        yield (
            f"The video network is untrained: the weights of {video['encoder']} are random. Its "
            "features are little more than noise, so this run does not show how much video can "
            "add. Set features.video.weights to use trained ones."
        )
    for variant, classes in never_predicted(run.evaluation, variants).items():
        yield f"{variant} never predicts {listed(classes)} on test, under any seed."
    for modality, facts in run.encoders.items():
        probe = facts.get("probe")
        if probe and probe["fitted"]:
            yield (
                f"The {modality} features seem fitted to the labels of train: a linear classifier "
                f"is right in {percent(probe['train_folds'])} % of held-out training rows, and in "
                f"{percent(probe['dev'])} % of dev. Models learn from rows that are easier than "
                "new ones."
            )
    oversamplers = {run.variants[variant]["oversampler"] for variant in variants}
    for table in tabulate_synthetic_quality(run):
        if table["collapsed"] and table["oversampler"] in oversamplers:
            yield (
                f"The samples of {table['oversampler']} have collapsed for "
                f"{listed(table['collapsed'])}: they vary far less than the recorded rows."
            )


def _of_test(run: Run) -> Iterator[str]:
    evaluation, support = run.evaluation, run.evaluation.support()
    rare = {name: count for name, count in support.items() if 0 < count < FEW}
    if rare:
        named = listed([f"{name} ({count})" for name, count in rare.items()])
        remedy = (
            "read their intervals, not their means"
            if evaluation.groups > 1
            else "a single one decides their scores"
        )
        yield f"There are few test utterances of {named}: {remedy}."
    absent = [name for name, count in support.items() if not count]
    if absent and len(absent) < len(evaluation.classes):
        yield f"The test split has no {listed(absent)}: there are no scores for it."
    test = run.utterances[run.utterances["split"] == "test"]
    if evaluation.groups == 1:
        yield (
            f"The test split is one {evaluation.split_by}: how scores vary from one to the next "
            "cannot be estimated, and there are no intervals."
        )
    elif evaluation.groups < FEW:
        yield (
            f"The test split has {counted(evaluation.groups, evaluation.split_by)}: intervals "
            "resampled from so few are wide, and their width is itself uncertain."
        )
    training = run.utterances.loc[run.utterances["split"] == "train", "speaker"]
    speakers = set(test["speaker"])
    known = speakers & set(training)
    if known:
        yield (
            f"{len(known)} of {counted(len(speakers), 'test speaker')} also "
            f"{'speaks' if len(known) == 1 else 'speak'} in train: these scores do not show how "
            "well the emotions of new speakers are recognised."
        )
    if len(evaluation.seeds) < 3:
        yield (
            f"{counted(len(evaluation.seeds), 'seed').capitalize()} cannot show how much results "
            "vary from one training to the next; to report results, run five or more."
        )


def doubts_of_dev(evaluation: Evaluation) -> list[str]:
    """Whether dev could choose among the variants; at most one doubt."""
    dev = [evaluation.score(name, "accuracy", split="dev")["mean"] for name in evaluation.variants]
    test = [evaluation.score(name, "accuracy")["mean"] for name in evaluation.variants]
    rows = evaluation.labelled("dev")
    if not rows or np.isnan(dev).any():
        return []
    if min(dev) >= SATURATED:
        gap = np.nanmax(np.subtract(dev, test))
        cause = (
            f" Test is {percent(gap)} points below: the features may have been fitted to labels"
            " that dev shares with train."
            if gap >= LARGEST_GAP
            else ""
        )
        return [
            f"Dev cannot choose: {percent(min(dev))} % accuracy and more for every variant.{cause}"
        ]
    gaps = [_gap_beyond_chance(evaluation, name) for name in evaluation.variants]
    if min(gaps) >= LARGEST_GAP:
        return [
            f"Dev cannot choose: every variant is {percent(min(gaps))} points and more above test, "
            "beyond chance. The features may have been fitted to labels that dev shares with "
            "train, or dev is an easier part of the corpus."
        ]
    if len(dev) > 1 and (max(dev) - min(dev)) * rows < 1:
        return ["Dev cannot choose: the variants differ by less than one dev utterance."]
    return []


def _gap_beyond_chance(evaluation: Evaluation, variant: str) -> float:
    """Accuracy on dev less that on test; 0 where their intervals overlap or are unknown."""
    dev, test = (evaluation.score(variant, "accuracy", split=split) for split in ("dev", "test"))
    return dev["mean"] - test["mean"] if dev["lower"] > test["upper"] else 0.0


def _within_chance(run: Run, variants: Sequence[str]) -> Iterator[str]:
    """Choices whose gain on dev was within chance, so that they were not made."""
    for variant in variants:
        own = [
            facts
            for place, facts in run.choices.items()
            if (place.stage, place.name) == ("train", variant)
        ]
        unused = sum(not facts.get("synthetic_rows", {"used": True})["used"] for facts in own)
        if unused:
            yield (
                f"{variant} trains on no synthetic row under {unused} of"
                f" {counted(len(own), 'seed')}: dev gains nothing by them beyond chance."
            )
        adjustments = [facts["adjustment"] for facts in own if "adjustment" in facts]
        usual = [one for one in adjustments if _stays_usual(one)]
        if usual:
            yield (
                f"{variant} is adjusted by the usual {usual[0]['usual_strength']:g} under"
                f" {len(usual)} of {counted(len(own), 'seed')}: what dev gains by another strength"
                " is within its standard error."
            )


def _stays_usual(adjustment: Mapping[str, float]) -> bool:
    """Whether another strength was best on dev, by no more than chance."""
    return adjustment["strength"] == adjustment["usual_strength"] != adjustment["best_strength"]


def _without_effect(run: Run, variants: Sequence[str]) -> Iterator[str]:
    """Settings without effect on this corpus."""
    rows = [run.variants[variant] for variant in variants]
    train = run.utterances[run.utterances["split"] == "train"]
    if any(row["mask_weight"] for row in rows) and train["turn"].max() == 0:
        yield (
            "mask_weight has no effect: every training dialogue is a single turn, without"
            " neighbours to reconstruct it from."
        )
    with_vae = any(row["fusion"] == "vae" for row in rows)
    if with_vae and len(run.encoders) == 1:
        yield f"The VAE has nothing to join: {next(iter(run.encoders))} is the only modality."
    weight_is_set = run.config["fuse"]["vae"]["class_weight"] not in (0, VAESettings.class_weight)
    known = any(LOG_PROBABILITIES in facts for facts in run.encoders.values())
    if with_vae and weight_is_set and known:
        yield (
            "fuse.vae.class_weight has no effect: where text encoders are fine-tuned in folds, the"
            " VAE looks at no label."
        )
    for variant in variants:
        if run.variants[variant]["loss"] == "ldam" and not _second_part_began(run, variant):
            yield (
                f"{variant} never reached the re-weighting of LDAM: train.epochs ended before dev "
                "stopped improving."
            )
    if any(row["dialogue_sampling"] == "class_aware" for row in rows) and (
        train.groupby("dialogue_id")["label"].nunique().max() <= 1
        and train["label"].value_counts().nunique() == 1
    ):
        yield "class_aware sampling has no effect: all classes are equally frequent in train."


def _second_part_began(run: Run, variant: str) -> bool:
    """Whether, under some seed, dev stopped improving for as many epochs as patience."""
    for place, history in run.histories.items():
        if (place.stage, place.name) == ("train", variant):
            rows = history[(history["split"] == "dev") & (history["quantity"] == "macro_f1")]
            scores = rows.sort_values("epoch")["value"].rolling(EPOCHS_AVERAGED).mean().dropna()
            scores = scores.reset_index(drop=True)
            stalled = scores.groupby((scores > scores.cummax().shift(fill_value=-1)).cumsum())
            if stalled.cumcount().max() >= run.config["train"]["patience"]:
                return True
    return False
