"""The evaluate stage as a whole: from predictions and labels to its tables."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from cberl.evaluate.predictions import ModelPredictions, prediction_rows
from cberl.evaluate.score import calibrate, list_confusions, score_classes, score_overall
from cberl.evaluate.subgroups import group_utterances, score_subgroups
from cberl.evaluate.summarise import (
    bootstrap_groups,
    compare_variants,
    score_ensembles,
    summarise,
    weigh_modalities,
)
from cberl.tables import NOTHING_REMOVED


def evaluate(
    models: Sequence[ModelPredictions],
    classes: Sequence[str],
    utterances: pd.DataFrame,
    quality: pd.DataFrame,
    corpus: str,
    resamples: int,
    confidence: float,
) -> dict[str, pd.DataFrame]:
    """Score every model, sum up over seeds, and compare variants.

    Args:
        models: every variant, seed, split and removal, variants in the order of their table.
        utterances: all of the corpus.
        quality: the table of quality.
        corpus: name of the corpus.
        resamples: bootstrap resamples of whole groups.
        confidence: coverage of the intervals, 0 to 1.

    Returns:
        name of a table of this stage -> its rows; ``scored`` is not among them.
    """
    variants = list(dict.fromkeys(one.variant for one in models))
    whole = [one for one in models if one.removed == NOTHING_REMOVED]
    per_model = [score_classes(one, classes) for one in models]
    per_class = pd.concat(per_model, ignore_index=True)
    overall = pd.DataFrame(list(map(score_overall, models, per_model)))
    bootstrapped = bootstrap_groups(models, classes, resamples)
    tables = {
        "per_class": per_class,
        "overall": overall,
        "confusion": pd.concat([list_confusions(one, classes) for one in models]),
        "summary": summarise(per_class, overall, bootstrapped, classes, confidence),
        "comparison": compare_variants(bootstrapped, variants, classes, confidence),
        "contribution": weigh_modalities(bootstrapped, classes, confidence),
        "ensemble": score_ensembles(whole, classes, resamples, confidence),
        "subgroups": _score_all_subgroups(whole, len(classes), utterances, quality),
        "calibration": pd.concat([calibrate(one) for one in whole]),
    }
    return {
        name: frame.reset_index(drop=True).assign(corpus=corpus) for name, frame in tables.items()
    }


def count_groups(models: Sequence[ModelPredictions], split: str) -> int:
    """How many dialogues, speakers or groups with a label intervals on a split resample."""
    one = next(one for one in models if one.split == split)
    return one.utterances.loc[one.labelled, "split_group"].nunique()


def list_predictions(
    models: Sequence[ModelPredictions], classes: Sequence[str], corpus: str
) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """Rows and probabilities [N, K] of the table scored, model by model."""
    for one in models:
        if one.removed == NOTHING_REMOVED:
            yield prediction_rows(one, classes, corpus), one.probabilities


def _score_all_subgroups(
    models: Sequence[ModelPredictions],
    classes: int,
    utterances: pd.DataFrame,
    quality: pd.DataFrame,
) -> pd.DataFrame:
    training = utterances.loc[utterances["split"] == "train", "speaker"].unique()
    groupings: dict[str, dict[str, np.ndarray]] = {}
    frames = []
    for one in models:
        if one.split not in groupings:
            groupings[one.split] = group_utterances(one.utterances, one.truth, training, quality)
        frames.append(score_subgroups(one, groupings[one.split], classes))
    return pd.concat(frames, ignore_index=True)
