"""Scores over seeds, and variants against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from cberl.evaluate.bootstrap import (
    Resampled,
    bootstrap_scores,
    interval,
    list_scores,
    two_sided_p,
)
from cberl.evaluate.predictions import ModelPredictions
from cberl.evaluate.score import OVERALL_METRICS, PER_CLASS_METRICS
from cberl.tables import ALL_CLASSES, NOTHING_REMOVED

Group = tuple[str, str, str]
"""(variant, split, removed): the models of its seeds belong together."""
Bootstrapped = dict[Group, Resampled]


def bootstrap_groups(
    models: Sequence[ModelPredictions], classes: Sequence[str], resamples: int
) -> Bootstrapped:
    """Bootstrap the scores of every variant, split and removal: see `bootstrap_scores`."""
    groups: dict[Group, list[ModelPredictions]] = {}
    for one in models:
        groups.setdefault((one.variant, one.split, one.removed), []).append(one)
    return {
        group: bootstrap_scores(members, len(classes), resamples)
        for group, members in groups.items()
    }


def summarise(
    per_class: pd.DataFrame,
    overall: pd.DataFrame,
    bootstrapped: Bootstrapped,
    classes: Sequence[str],
    confidence: float,
) -> pd.DataFrame:
    """Mean, standard deviation and interval of every score over seeds.

    Returns:
        The rows of the table summary but ``corpus``.
    """
    group = ["variant", "split", "removed"]
    scores = pd.concat(
        [
            per_class.melt([*group, "seed", "class"], PER_CLASS_METRICS, "metric"),
            overall.assign(**{"class": ALL_CLASSES}).melt(
                [*group, "seed", "class"], OVERALL_METRICS, "metric"
            ),
        ]
    )
    summary = (
        scores.groupby([*group, "class", "metric"], sort=False)["value"]
        .agg(mean="mean", std="std", n="size")
        .reset_index()
    )
    intervals = [
        _named(group, classes, *interval(drawn, confidence))
        for group, drawn in bootstrapped.items()
    ]
    ends = pd.concat(intervals, ignore_index=True)
    return summary.merge(ends, on=[*group, "class", "metric"], how="left", validate="1:1")


def compare_variants(
    bootstrapped: Bootstrapped,
    variants: Sequence[str],
    classes: Sequence[str],
    confidence: float,
) -> pd.DataFrame:
    """Every pair of variants, each against those that stand before it in the variants table.

    Returns:
        The rows of the table comparison but ``corpus``.
    """
    splits = dict.fromkeys(split for _, split, _ in bootstrapped)
    frames = [
        _difference(
            {"variant": variant, "reference": reference, "split": split},
            bootstrapped[variant, split, NOTHING_REMOVED]
            - bootstrapped[reference, split, NOTHING_REMOVED],
            classes,
            confidence,
        )
        for split in splits
        for reference, variant in combinations(variants, 2)
    ]
    return pd.concat(frames, ignore_index=True) if frames else _no_difference("reference")


def weigh_modalities(
    bootstrapped: Bootstrapped, classes: Sequence[str], confidence: float
) -> pd.DataFrame:
    """What each modality adds to each variant.

    Returns:
        The rows of the table contribution but ``corpus``.
    """
    frames = [
        _difference(
            {"variant": variant, "split": split, "removed": removed},
            bootstrapped[variant, split, NOTHING_REMOVED] - bootstrapped[variant, split, removed],
            classes,
            confidence,
        )
        for variant, split, removed in bootstrapped
        if removed != NOTHING_REMOVED
    ]
    return pd.concat(frames, ignore_index=True) if frames else _no_difference("removed")


def score_ensembles(
    models: Sequence[ModelPredictions], classes: Sequence[str], resamples: int, confidence: float
) -> pd.DataFrame:
    """Score the seeds of each variant as an ensemble: the class of the highest mean probability.

    Args:
        models: with no modality removed.

    Returns:
        The rows of the table ensemble but ``corpus``.
    """
    groups: dict[tuple[str, str], list[ModelPredictions]] = {}
    for one in models:
        groups.setdefault((one.variant, one.split), []).append(one)
    frames = []
    for (variant, split), members in groups.items():
        mean = np.mean([one.probabilities for one in members], axis=0)  # [N, K]
        together = replace(members[0], probabilities=mean, predicted=mean.argmax(axis=1))
        drawn = bootstrap_scores([together], len(classes), resamples)
        ends = _named((variant, split, NOTHING_REMOVED), classes, *interval(drawn, confidence))
        frames.append(ends.assign(value=drawn.scores, n=len(members)).drop(columns="removed"))
    return pd.concat(frames, ignore_index=True)


def _difference(
    names: Mapping[str, str],
    differences: Resampled,
    classes: Sequence[str],
    confidence: float,
) -> pd.DataFrame:
    lower, upper = interval(differences, confidence)
    scores = list_scores(classes)
    return pd.DataFrame(
        {
            **names,
            "class": [name for name, _ in scores],
            "metric": [metric for _, metric in scores],
            "difference": differences.scores,
            "lower": lower,
            "upper": upper,
            "p_value": two_sided_p(differences),
        }
    )


def _no_difference(other: str) -> pd.DataFrame:
    names = ["variant", "split", other, "class", "metric"]
    numbers = dict.fromkeys(["difference", "lower", "upper", "p_value"], np.empty(0))
    return pd.DataFrame({**{name: np.empty(0, dtype=str) for name in names}, **numbers})


def _named(
    group: Group, classes: Sequence[str], lower: np.ndarray, upper: np.ndarray
) -> pd.DataFrame:
    scores = list_scores(classes)
    return pd.DataFrame(
        {
            **dict(zip(("variant", "split", "removed"), group, strict=True)),
            "class": [name for name, _ in scores],
            "metric": [metric for _, metric in scores],
            "lower": lower,
            "upper": upper,
        }
    )
