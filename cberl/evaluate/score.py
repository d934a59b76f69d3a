"""Scores of one model on one split."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cberl.evaluate.judge import Judgement

CALIBRATION_BINS = 15

PER_CLASS_METRICS = ("precision", "recall", "f1", "accuracy", "average_precision")
OVERALL_METRICS = ("weighted_f1", "macro_f1", "uar", "accuracy", "calibration_error")


def count_confusions(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Confusion matrix of labelled utterances: int64 [K, K], rows the truth."""
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def score_classes(judgement: Judgement, classes: Sequence[str]) -> pd.DataFrame:
    """Score one model class by class, by scikit-learn.

    A class without an utterance in the split has no scores (NaN), whatever is predicted.

    Returns:
        One row per class with the columns of the table per_class but ``corpus``.
    """
    from sklearn.metrics import average_precision_score, precision_recall_fscore_support

    count = len(classes)
    truth = judgement.truth[judgement.labelled]
    predicted = judgement.predicted[judgement.labelled]
    probabilities = judgement.probabilities[judgement.labelled]
    numbers = np.arange(count)
    scores = dict.fromkeys(PER_CLASS_METRICS, np.full(count, np.nan))
    confusion = count_confusions(truth, predicted, count)
    support = confusion.sum(axis=1)
    if len(truth):
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, predicted, labels=numbers, zero_division=0
        )
        average_precision = [
            average_precision_score(truth == number, probabilities[:, number])
            if support[number]
            else np.nan
            for number in numbers
        ]
        scores = {"precision": precision, "recall": recall, "f1": f1}
        scores = {name: np.where(support, score, np.nan) for name, score in scores.items()}
        scores["average_precision"] = np.array(average_precision)
    wrong = confusion.sum(axis=0) + support - 2 * np.diag(confusion)
    scores["accuracy"] = 1 - wrong / max(len(truth), 1)
    return pd.DataFrame(
        {
            **judgement.names,
            "removed": judgement.removed,
            "class": list(classes),
            "support": support,
            "predicted": confusion.sum(axis=0),
            **scores,
        }
    )


def score_overall(judgement: Judgement) -> dict[str, object]:
    """Score one model over all classes that occur in the split, by scikit-learn.

    Returns:
        The columns of the table overall but ``corpus``; NaN if no utterance has a label.
    """
    from sklearn.metrics import accuracy_score, f1_score, recall_score

    truth = judgement.truth[judgement.labelled]
    predicted = judgement.predicted[judgement.labelled]
    scores = dict.fromkeys(OVERALL_METRICS, np.nan)
    if len(truth):
        present = np.unique(truth)
        scores = {
            "weighted_f1": _mean_f1(f1_score, truth, predicted, present, "weighted"),
            "macro_f1": _mean_f1(f1_score, truth, predicted, present, "macro"),
            "uar": recall_score(truth, predicted, labels=present, average="macro"),
            "accuracy": accuracy_score(truth, predicted),
            "calibration_error": calibration_error(calibrate(judgement)),
        }
    return {
        **judgement.names,
        "removed": judgement.removed,
        "utterances": len(truth),
        **scores,
    }


def list_confusions(judgement: Judgement, classes: Sequence[str]) -> pd.DataFrame:
    """Counts and row shares of one confusion matrix, one row per cell."""
    labelled = judgement.labelled
    matrix = count_confusions(
        judgement.truth[labelled], judgement.predicted[labelled], len(classes)
    )
    support = np.repeat(matrix.sum(axis=1), len(classes))
    return pd.DataFrame(
        {
            **judgement.names,
            "removed": judgement.removed,
            "true": np.repeat(list(classes), len(classes)),
            "predicted": np.tile(list(classes), len(classes)),
            "count": matrix.ravel(),
            "share": np.where(support, matrix.ravel() / np.maximum(support, 1), np.nan),
        }
    )


def calibrate(judgement: Judgement) -> pd.DataFrame:
    """Hold confidence against accuracy in equally wide bins.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equations 1 and 2.

    Returns:
        One row per bin with the columns of the table calibration but ``corpus``.
    """
    labelled = judgement.labelled
    confidence = judgement.probabilities[labelled].max(axis=1).astype(np.float64)
    correct = (judgement.predicted == judgement.truth)[labelled]
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS) - 1, 0, CALIBRATION_BINS - 1).astype(int)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    filled = np.where(counts, counts, np.nan)
    return pd.DataFrame(
        {
            **judgement.names,
            "bin": np.arange(CALIBRATION_BINS),
            "above": edges[:-1],
            "up_to": edges[1:],
            "utterances": counts,
            "confidence": np.bincount(bins, confidence, CALIBRATION_BINS) / filled,
            "accuracy": np.bincount(bins, correct, CALIBRATION_BINS) / filled,
        }
    )


def calibration_error(bins: pd.DataFrame) -> float:
    """Expected calibration error (Guo et al., equation 3) of the rows of `calibrate`."""
    gaps = (bins["confidence"] - bins["accuracy"]).abs() * bins["utterances"]
    return float(gaps.sum() / bins["utterances"].sum())


def _mean_f1(f1_score, truth, predicted, present, average: str) -> float:
    return f1_score(truth, predicted, labels=present, average=average, zero_division=0)
