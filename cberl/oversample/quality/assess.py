"""How good synthetic samples are: useful, like the real ones, varied, and no copies of them."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cberl.oversample.quality.consistency import cross_modal_correlation, link_modalities
from cberl.oversample.quality.neighbours import density_and_coverage, distances_to_nearest, variance
from cberl.oversample.quality.projection import MOST_FITTED, Projection, draw_rows, joined
from cberl.oversample.quality.usefulness import f1_per_class, two_sample_accuracy
from cberl.row_files import RowFiles
from cberl.rows import LabelledRows
from cberl.tables import ALL_CLASSES

QUANTITIES = {
    "rows_real": "training rows of the class",
    "rows_synthetic": "synthetic rows of the class",
    "f1_trained_on_real": "F1 on dev of a linear classifier trained on real rows alone",
    "f1_trained_on_synthetic": "the same, each class's real rows replaced by its synthetic ones",
    "f1_trained_on_both": "the same, trained on real and synthetic rows",
    "two_sample_accuracy": "accuracy of a classifier between synthetic and real rows; 0.5: none; "
    "less: synthetic rows lie next to real ones, so that a row's own twin misleads",
    "density": "how many real neighbourhoods hold a synthetic row, over those expected; 1: as real",
    "coverage": "share of real rows with a synthetic row in their neighbourhood; 1: all",
    "nearest_distance_ratio": "median distance from a synthetic row to the nearest real one, "
    "over that from a real row to the nearest other",
    "copy_share": "share of synthetic rows that are copies of a training row",
    "copy_share_real": "share of training rows that are copies of another training row",
    "variance_ratio": "total variance of the synthetic rows over that of the real ones",
    "cross_modal_real": "correlation of a modality with its prediction from another, real rows",
    "cross_modal_synthetic": "the same in synthetic rows; as high as in real ones: in tune",
    "collapsed": "1 if the samples do not spread as the real rows do, else 0",
}

COLLAPSED_VARIANCE = 0.2
COLLAPSED_COVERAGE = 0.2
"""Below either of them a class counts as collapsed: its samples sit in a corner of the real ones.
Interpolating evenly between unrelated rows keeps 2/3 of the variance."""

COPY = 1e-3
"""A row is a copy if it is nearer to a training row than this share of the median distance."""

MOST_ROWS = 4000
"""Rows of a class that enter pairwise distances; more are drawn evenly from."""


Rows = LabelledRows | RowFiles
"""In memory or on disk, where only what is looked at is read."""


def assess_synthetic(synthetic: Rows, train: Rows, dev: Rows, seed: int) -> pd.DataFrame:
    """Measure `QUANTITIES` of each class that has synthetic rows, and over all classes.

    Dev labels are used for measuring alone: nothing is chosen by them here.

    Args:
        synthetic, train, dev: rows of the same modalities and classes; those without a label are
            left out.
        seed: of the cross-validation and the draws.

    Returns:
        Rows of table SYNTHETIC_QUALITY. Values that a class has too few rows for are null, with
        the reason in the note.
    """
    train, dev, classes = _labelled(train), _labelled(dev), train.classes
    made = np.unique(synthetic.labels[synthetic.labelled]).tolist()
    if not made or not len(train):
        return _describe_nothing(len(train), len(synthetic))
    projection = Projection(train, seed)
    values: dict[tuple[str, str], float | None] = {}
    parts = {
        "real": (projection.place(train), train.labels),
        "synthetic": (projection.place(synthetic), synthetic.labels),
        "dev": (projection.place(dev), dev.labels),
    }
    for quantity, scores in _usefulness(parts, len(classes), seed).items():
        values |= {(classes[number], quantity): scores[number] for number in made}
        values[ALL_CLASSES, quantity] = _mean(scores)
    for number in made:
        real, new = _of_class(train, number), _of_class(synthetic, number)
        measured = _likeness(real, new, projection, seed)
        values |= {(classes[number], quantity): value for quantity, value in measured.items()}
    for quantity in measured:
        values[ALL_CLASSES, quantity] = _mean([values[classes[n], quantity] for n in made])
    # Fitted on dev, so that neither training rows nor what was made from them have an advantage.
    links = link_modalities(draw_rows(dev, MOST_FITTED, np.random.default_rng(seed)))
    for label, real, new in (
        (ALL_CLASSES, train, synthetic),
        *((classes[n], _of_class(train, n), _of_class(synthetic, n)) for n in made),
    ):
        values[label, "cross_modal_real"] = cross_modal_correlation(links, real)
        values[label, "cross_modal_synthetic"] = cross_modal_correlation(links, new)
    for label, real, new in (
        (ALL_CLASSES, len(train), len(synthetic)),
        *((classes[n], (train.labels == n).sum(), (synthetic.labels == n).sum()) for n in made),
    ):
        values[label, "rows_real"], values[label, "rows_synthetic"] = float(real), float(new)
    return _describe(values, [ALL_CLASSES, *(classes[number] for number in made)])


def _labelled(rows: Rows) -> Rows:
    return rows if rows.labelled.all() else rows.only(rows.labelled)


def _of_class(rows: Rows, number: int) -> Rows:
    return rows.only(rows.labels == number)


def _usefulness(parts: dict, classes: int, seed: int) -> dict[str, list[float | None]]:
    """F1 on dev per class after training on real rows, on synthetic ones, and on both.

    Train on synthetic, test on real (Esteban et al. 2017, recurrent conditional GANs). Classes
    without synthetic rows keep their real ones, so that the classifier still has all classes.
    """
    (real, real_labels), (new, new_labels) = parts["real"], parts["synthetic"]
    kept = ~np.isin(real_labels, np.unique(new_labels))
    sets = {
        "f1_trained_on_real": ((real, real_labels),),
        "f1_trained_on_synthetic": ((real[kept], real_labels[kept]), (new, new_labels)),
        "f1_trained_on_both": ((real, real_labels), (new, new_labels)),
    }
    return {
        quantity: f1_per_class(
            *map(np.concatenate, zip(*of, strict=True)), *parts["dev"], classes, seed
        )
        for quantity, of in sets.items()
    }


def _likeness(real: Rows, new: Rows, projection: Projection, seed: int) -> dict[str, float | None]:
    """What is measured of one class's rows, real against synthetic."""
    draw = np.random.default_rng(seed)
    real, new = draw_rows(real, MOST_ROWS, draw), draw_rows(new, MOST_ROWS, draw)
    real_full, new_full = joined(real), joined(new)
    density, coverage = density_and_coverage(real_full, new_full)
    to_real, between_real = distances_to_nearest(real_full, new_full)
    measured: dict[str, float | None] = {
        "two_sample_accuracy": two_sample_accuracy(
            projection.place(real), projection.place(new), seed
        ),
        "density": density,
        "coverage": coverage,
    }
    typical = _median_above_zero(between_real)
    if typical:
        measured["nearest_distance_ratio"] = float(np.median(to_real) / typical)
        measured["copy_share"] = float((to_real < COPY * typical).mean())
        measured["copy_share_real"] = float((between_real < COPY * typical).mean())
    else:
        # A single row, or one row repeated: only an identical row counts as a copy.
        measured["nearest_distance_ratio"] = None
        measured["copy_share"] = float((to_real < 1e-6).mean()) if len(real) else None
        measured["copy_share_real"] = 1.0 if len(real) > 1 else None
    spread = variance(real_full)
    measured["variance_ratio"] = variance(new_full) / spread if spread and len(new) > 1 else None
    measured["collapsed"] = _collapsed(measured["variance_ratio"], coverage, len(real), len(new))
    return measured


def _collapsed(ratio: float | None, coverage: float | None, real: int, new: int) -> float | None:
    if ratio is None or coverage is None:
        return None
    # Fewer samples than real rows cannot cover them all, however good they are.
    reachable = min(1.0, new / real)
    return float(ratio < COLLAPSED_VARIANCE or coverage < COLLAPSED_COVERAGE * reachable)


def _median_above_zero(distances: np.ndarray) -> float | None:
    """Median of the distances that are not 0 (identical utterances are common); None: no such."""
    above = distances[distances > 0]
    return float(np.median(above)) if len(above) else None


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known else None


def _describe(values: dict[tuple[str, str], float | None], labels: Sequence[str]) -> pd.DataFrame:
    rows = []
    for label in labels:
        for quantity in QUANTITIES:
            value = values[label, quantity]
            rows.append((label, quantity, value, _note(label, quantity, values)))
        if values[label, "collapsed"] and label != ALL_CLASSES:
            logging.warning("%s: %s", label, rows[-1][3])
    return pd.DataFrame(rows, columns=["label", "quantity", "value", "note"])


def _note(label: str, quantity: str, values: dict) -> str | None:
    value = values[label, quantity]
    if value is None:
        if quantity.startswith("cross_modal"):
            return "needs two modalities that occur together"
        if quantity.startswith("f1"):
            return "no dev row of this class"
        return f"too few rows: {values[label, 'rows_real']:.0f} real"
    if quantity == "collapsed" and value and label == ALL_CLASSES:
        return "share of the classes that collapsed"
    if quantity == "collapsed" and value:
        return (
            f"the samples spread {values[label, 'variance_ratio']:.2f} times as much as the real "
            f"rows and reach {values[label, 'coverage']:.0%} of them"
        )
    return None


def _describe_nothing(real: int, synthetic: int) -> pd.DataFrame:
    counts = {"rows_real": float(real), "rows_synthetic": float(synthetic)}
    rows = [
        (ALL_CLASSES, quantity, counts.get(quantity), None if quantity in counts else "no samples")
        for quantity in QUANTITIES
    ]
    return pd.DataFrame(rows, columns=["label", "quantity", "value", "note"])
