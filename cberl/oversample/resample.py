"""New rows by repeating real ones or by interpolating between them, through imbalanced-learn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cberl.errors import InputError
from cberl.features.featureset import FeatureSet


def resample(
    oversampler: str,
    features: FeatureSet,
    labels: np.ndarray,
    wanted_labels: np.ndarray,
    settings: Mapping[str, Any],
    seed: int,
) -> FeatureSet:
    """Make one row of each wanted class.

    ``random`` repeats real rows. ``smote`` interpolates between a row and one of its nearest
    neighbours of the same class over all modalities side by side (Chawla et al. 2002, Synthetic
    Minority Over-sampling Technique, section 4.2). A class with fewer rows than neighbours uses
    those that it has; a class with a single row repeats it.

    Args:
        oversampler: "random", "smote", or "none", of which nothing may be wanted.
        features: training rows, N of them.
        labels: their class numbers, int64 [N].
        wanted_labels: classes of the rows to make, int64 [S].
        settings: ``smote.neighbours``, the most neighbours to choose from.
        seed: of the choice.

    Returns:
        S rows in the order of ``wanted_labels``. Each has the modalities of the real row it
        repeats or, interpolated, lies nearer to.

    Raises:
        InputError: a wanted class has no training row.
        ValueError: the oversampler is unknown, or "none" is asked for rows.
    """
    if oversampler not in ("none", "random", "smote"):
        raise ValueError(f"oversampler {oversampler!r}; expected none, random or smote")
    if oversampler == "none" and len(wanted_labels):
        raise ValueError(f"oversampler none makes no rows, {len(wanted_labels)} are wanted")
    made = _empty(features, len(wanted_labels))
    for number in np.unique(wanted_labels):
        places = np.flatnonzero(wanted_labels == number)
        rows = features.take(labels == number)
        if not len(rows):
            raise InputError(f"class number {number} has no training row to resample")
        if oversampler == "smote" and len(rows) > 1:
            neighbours = min(settings["smote"]["neighbours"], len(rows) - 1)
            new = _interpolate(rows, len(places), neighbours, seed)
        else:
            new = _repeat(rows, len(places), seed)
        for modality in features.modalities:
            made.values[modality][places] = new.values[modality]
            made.available[modality][places] = new.available[modality]
    return made


def _empty(features: FeatureSet, rows: int) -> FeatureSet:
    return FeatureSet(
        np.array([f"sample/{number}" for number in range(rows)], dtype=object),
        {name: np.zeros((rows, m.shape[1]), np.float32) for name, m in features.values.items()},
        {name: np.zeros(rows, bool) for name in features.modalities},
    )


def _repeat(rows: FeatureSet, count: int, seed: int) -> FeatureSet:
    from imblearn.over_sampling import RandomOverSampler

    sampler = RandomOverSampler(sampling_strategy={1: len(rows) + count}, random_state=seed)
    positions = np.arange(len(rows), dtype=np.int64)[:, None]
    return rows.take(_new_rows(sampler, positions, count)[:, 0])


def _interpolate(rows: FeatureSet, count: int, neighbours: int, seed: int) -> FeatureSet:
    """SMOTE over joined modalities.

    The masks ride along as columns too small to move a neighbour. Interpolated, such a column is
    the weight of the parents that have the modality: from one half up the sample has it, and
    dividing by the weight takes away the zeros that stood in for the parent without it.
    """
    from imblearn.over_sampling import SMOTE

    masks = np.stack([rows.available[name] for name in rows.modalities], axis=1)  # [n, M]
    small = 1e-6
    joined = np.concatenate([*rows.values.values(), masks * np.float32(small)], axis=1)
    sampler = SMOTE(
        sampling_strategy={1: len(rows) + count}, k_neighbors=neighbours, random_state=seed
    )
    new = _new_rows(sampler, joined.astype(np.float32), count)  # [count, widths + M]
    weights = new[:, -len(rows.modalities) :] / small
    values, available = {}, {}
    start = 0
    for position, (name, matrix) in enumerate(rows.values.items()):
        own = new[:, start : start + matrix.shape[1]]
        start += matrix.shape[1]
        weight = weights[:, position]
        available[name] = weight > 0.5
        divisor = np.where(weight > 0.5, np.minimum(weight, 1), 1)[:, None]
        values[name] = np.where(available[name][:, None], own / divisor, 0).astype(np.float32)
    return FeatureSet(rows.ids[np.zeros(count, dtype=int)], values, available)


def _new_rows(sampler: Any, rows: np.ndarray, count: int) -> np.ndarray:
    """Only the rows that a sampler adds to one class; it insists on a second class: one row."""
    with_second = np.concatenate([rows, np.zeros((1, rows.shape[1]), rows.dtype)])
    classes = np.append(np.ones(len(rows), dtype=np.int64), 0)
    return sampler.fit_resample(with_second, classes)[0][-count:]
