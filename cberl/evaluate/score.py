"""Scores of one model on one split."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cberl.evaluate.bootstrap import score_confusions
from cberl.evaluate.predictions import ModelPredictions
from cberl.tables import NOTHING_REMOVED

CALIBRATION_BINS = 15

PER_CLASS_METRICS = ("precision", "recall", "f1", "accuracy", "average_precision")
OVERALL_METRICS = ("weighted_f1", "macro_f1", "uar", "accuracy", "calibration_error")


def count_confusions(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Confusion matrix of labelled utterances: int64 [K, K], rows the truth."""
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def score_classes(model: ModelPredictions, classes: Sequence[str]) -> pd.DataFrame:
    """Score one model class by class.

    A class without an utterance in the split has no scores (NaN), whatever is predicted. Average
    precision is of the whole model alone: NaN where a modality is removed.

    Returns:
        One row per class with the columns of the table per_class but ``corpus``.
    """
    truth = model.truth[model.labelled]
    predicted = model.predicted[model.labelled]
    confusion = count_confusions(truth, predicted, len(classes))
    support = confusion.sum(axis=1)
    precision, recall, f1 = score_confusions(confusion)[: 3 * len(classes)].reshape(3, -1)
    wrong = confusion.sum(axis=0) + support - 2 * np.diag(confusion)
    return pd.DataFrame(
        {
            **model.names,
            "removed": model.removed,
            "class": list(classes),
            "support": support,
            "predicted": confusion.sum(axis=0),
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "accuracy": 1 - wrong / max(len(truth), 1),
            "average_precision": _average_precision(model, support),
        }
    )


def score_overall(model: ModelPredictions, per_class: pd.DataFrame) -> dict[str, object]:
    """Score one model over all classes that occur in the split.

    Args:
        per_class: what `score_classes` found of the same model.

    Returns:
        The columns of the table overall but ``corpus``; NaN if no utterance has a label.
    """
    present = per_class[per_class["support"] > 0]
    scores = dict.fromkeys((*OVERALL_METRICS, "uncalibrated_error"), np.nan)
    if len(present):
        labelled = model.labelled
        right = model.predicted[labelled] == model.truth[labelled]
        scores = {
            "weighted_f1": np.average(present["f1"], weights=present["support"]),
            "macro_f1": present["f1"].mean(),
            "uar": present["recall"].mean(),
            "accuracy": right.mean(),
            "calibration_error": calibration_error(model),
            "uncalibrated_error": calibration_error(model, calibrated=False),
        }
    return {
        **model.names,
        "removed": model.removed,
        "utterances": int(model.labelled.sum()),
        **scores,
    }


def _average_precision(model: ModelPredictions, support: np.ndarray) -> np.ndarray:
    from sklearn import config_context
    from sklearn.metrics import average_precision_score

    scores = np.full(len(support), np.nan)
    if model.removed != NOTHING_REMOVED:
        return scores
    truth = model.truth[model.labelled]
    probabilities = model.probabilities[model.labelled]
    # Thousands of small calls: checking their arguments would cost more than the scores.
    with config_context(skip_parameter_validation=True, assume_finite=True):
        for number in np.flatnonzero(support):
            scores[number] = average_precision_score(truth == number, probabilities[:, number])
    return scores


def list_confusions(model: ModelPredictions, classes: Sequence[str]) -> pd.DataFrame:
    """Counts and row shares of one confusion matrix, one row per cell."""
    labelled = model.labelled
    matrix = count_confusions(model.truth[labelled], model.predicted[labelled], len(classes))
    support = np.repeat(matrix.sum(axis=1), len(classes))
    return pd.DataFrame(
        {
            **model.names,
            "removed": model.removed,
            "true": np.repeat(list(classes), len(classes)),
            "predicted": np.tile(list(classes), len(classes)),
            "count": matrix.ravel(),
            "share": np.where(support, matrix.ravel() / np.maximum(support, 1), np.nan),
        }
    )


def calibrate(model: ModelPredictions) -> pd.DataFrame:
    """Hold confidence against accuracy in equally wide bins.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2.

    Returns:
        One row per bin, before the temperature and after it, with the columns of the table
        calibration but ``corpus``.
    """
    before = _fill_bins(model, model.uncalibrated).assign(calibrated=False)
    after = _fill_bins(model, model.probabilities).assign(calibrated=True)
    return pd.concat([before, after], ignore_index=True)


def _fill_bins(model: ModelPredictions, probabilities: np.ndarray) -> pd.DataFrame:
    labelled = model.labelled
    confidence = probabilities[labelled].max(axis=1).astype(np.float64)
    correct = (model.predicted == model.truth)[labelled]
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS) - 1, 0, CALIBRATION_BINS - 1).astype(int)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    filled = np.where(counts, counts, np.nan)
    return pd.DataFrame(
        {
            **model.names,
            "bin": np.arange(CALIBRATION_BINS),
            "above": edges[:-1],
            "up_to": edges[1:],
            "utterances": counts,
            "confidence": np.bincount(bins, confidence, CALIBRATION_BINS) / filled,
            "accuracy": np.bincount(bins, correct, CALIBRATION_BINS) / filled,
        }
    )


def calibration_error(model: ModelPredictions, calibrated: bool = True) -> float:
    """Expected calibration error (Guo et al., section 2): the mean gap of `calibrate`'s bins, by
    utterances. NaN if no utterance has a label.

    Args:
        calibrated: at the network's temperature, or without it.
    """
    bins = calibrate(model)
    bins = bins[bins["calibrated"] == calibrated]
    gaps = (bins["confidence"] - bins["accuracy"]).abs() * bins["utterances"]
    return gaps.sum() / bins["utterances"].sum()
