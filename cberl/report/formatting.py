"""Numbers in words: how scores, differences and intervals are written everywhere."""

from collections.abc import Mapping, Sequence

import numpy as np

CLOSE = "too close to call"
MINUS = "\N{MINUS SIGN}"

TITLES = {
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "rows_real": "training rows, recorded",
    "rows_synthetic": "training rows, synthetic",
    "f1_trained_on_real": "F1, trained on recorded rows",
    "f1_trained_on_synthetic": "F1, trained on synthetic rows",
    "f1_trained_on_both": "F1, trained on both",
    "two_sample_accuracy": "accuracy in telling them apart",
    "nearest_distance_ratio": "distance to the nearest row, ratio",
    "copy_share": "copies among synthetic rows",
    "copy_share_real": "copies among recorded rows",
    "variance_ratio": "variance, ratio",
    "cross_modal_real": "correlation across modalities, recorded",
    "cross_modal_synthetic": "correlation across modalities, synthetic",
}
"""Quantity -> its title, where its name with blanks is not enough."""


def percent(value: float) -> str:
    """A share as a percentage with one decimal; a dash where it is undefined."""
    return "–" if value is None or np.isnan(value) else f"{100 * value:.1f}"


def spread(row: Mapping[str, float]) -> str:
    """Mean and standard deviation over seeds, in percent: ``61.2 ± 1.3``."""
    std = row["std"]
    return percent(row["mean"]) + ("" if std is None or np.isnan(std) else f" ± {100 * std:.1f}")


def points(value: float) -> str:
    """A difference in points of percent, with its sign."""
    if value is None or np.isnan(value):
        return "–"
    text = f"{100 * value:+.1f}".replace("-", MINUS)
    return "0.0" if text in ("+0.0", f"{MINUS}0.0") else text


def quantity_title(name: str) -> str:
    """The title of a measured quantity."""
    return TITLES.get(name, name.replace("_", " "))


def interval_words(row: Mapping[str, float], confidence: float) -> str:
    """``95 % interval 41.0 to 52.3``, in percent; ``no interval`` where none was made."""
    if np.isnan(row["lower"]):
        return "no interval"
    return f"{100 * confidence:g} % interval {percent(row['lower'])} to {percent(row['upper'])}"


def difference_words(row: Mapping[str, float], confidence: float) -> str:
    """A difference with its interval, and whether this test set can distinguish it from none."""
    if np.isnan(row["lower"]):
        return f"{points(row['difference'])} points (no interval): {classify_difference(row)}"
    ends = f"{points(row['lower'])} to {points(row['upper'])}"
    where = " on this test set" if classify_difference(row) == CLOSE else ""
    return (
        f"{points(row['difference'])} points ({100 * confidence:g} % interval {ends}): "
        f"{classify_difference(row)}{where}"
    )


def classify_difference(row: Mapping[str, float]) -> str:
    """Better or worse where the interval of a difference leaves zero out."""
    if np.isnan(row["difference"]) or np.isnan(row["lower"]):
        return "not known"
    if row["lower"] > 0:
        return "clearly better"
    return "clearly worse" if row["upper"] < 0 else CLOSE


def listed(items: Sequence[object]) -> str:
    """``a, b and c``."""
    words = [str(item) for item in items]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def counted(number: int, noun: str) -> str:
    """``1 seed``, ``2 seeds``; thousands apart."""
    plural = noun if number == 1 else noun + "s"
    return f"{number:,} {plural}"
