"""New rows by repeating real ones or by interpolating between them, through imbalanced-learn."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cberl.errors import InputError
from cberl.row_files import RowFiles
from cberl.rows import LabelledRows

Sampler = Callable[[LabelledRows, int, int, int], LabelledRows]
"""(rows of one class, how many to make, neighbours, seed) -> that many rows."""


def resample(
    oversampler: str,
    train: LabelledRows | RowFiles,
    wanted_labels: np.ndarray,
    neighbours: int = 5,
    seed: int = 0,
) -> LabelledRows:
    """Make one row of each wanted class.

    Args:
        oversampler: a name in `SAMPLERS`, or "none", which makes no rows.
        train: training rows, N of them.
        wanted_labels: classes of the rows to make, int64 [S].
        neighbours: of SMOTE, the most to choose from.
        seed: of the choice.

    Returns:
        S rows in the order of ``wanted_labels``. Each has the modalities of the real row it
        repeats or, interpolated, lies nearer to.

    Raises:
        InputError: a wanted class has no training row.
        ValueError: the oversampler is unknown, or "none" is asked for rows.
    """
    wanted_labels = np.asarray(wanted_labels, dtype=np.int64)
    count = len(wanted_labels)
    if oversampler not in SAMPLERS and (count or oversampler != "none"):
        raise ValueError(
            f"oversampler {oversampler!r}; expected one of {', '.join(SAMPLERS)} to make rows"
        )
    values = {name: np.zeros((count, width), np.float32) for name, width in train.widths.items()}
    available = {name: np.zeros(count, bool) for name in train.modalities}
    for number in np.unique(wanted_labels):
        places = np.flatnonzero(wanted_labels == number)
        rows = train.take(train.labels == number)
        if not len(rows):
            raise InputError(f"class number {number} has no training row to resample")
        new = SAMPLERS[oversampler](rows, len(places), neighbours, seed)
        for modality in train.modalities:
            values[modality][places] = new.values[modality]
            available[modality][places] = new.available[modality]
    ids = np.array([f"sample/{number}" for number in range(count)], dtype=object)
    return LabelledRows(ids, values, available, wanted_labels, train.classes)


def repeat_rows(rows: LabelledRows, count: int, neighbours: int, seed: int) -> LabelledRows:
    """Repeat rows drawn at random; ``neighbours`` plays no part."""
    from imblearn.over_sampling import RandomOverSampler

    sampler = RandomOverSampler(sampling_strategy={1: len(rows) + count}, random_state=seed)
    positions = np.arange(len(rows), dtype=np.int64)[:, None]
    return rows.take(_new_rows(sampler, positions, count)[:, 0])


def interpolate_rows(rows: LabelledRows, count: int, neighbours: int, seed: int) -> LabelledRows:
    """Interpolate between a row and one of its nearest neighbours over all modalities side by side.

    Chawla et al. 2002, Synthetic Minority Over-sampling Technique, section 4.2. A class with fewer
    rows than neighbours uses those that it has; a single row is repeated.

    The masks ride along as columns too small to move a neighbour. Interpolated, such a column is
    the weight of the parents that have the modality: from one half up the sample has it, and
    dividing by the weight removes the zeros in place of the parent without it.
    """
    from imblearn.over_sampling import SMOTE

    if len(rows) == 1:
        return repeat_rows(rows, count, neighbours, seed)
    masks = np.stack([rows.available[name] for name in rows.modalities], axis=1)  # [n, M]
    small = 1e-6
    joined = np.concatenate([*rows.values.values(), masks * np.float32(small)], axis=1)
    sampler = SMOTE(
        sampling_strategy={1: len(rows) + count},
        k_neighbors=min(neighbours, len(rows) - 1),
        random_state=seed,
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
    return LabelledRows(rows.ids[np.zeros(count, dtype=int)], values, available)


def _new_rows(sampler: Any, rows: np.ndarray, count: int) -> np.ndarray:
    """Only the rows that a sampler adds to one class; it insists on a second class: one row."""
    with_second = np.concatenate([rows, np.zeros((1, rows.shape[1]), rows.dtype)])
    classes = np.append(np.ones(len(rows), dtype=np.int64), 0)
    return sampler.fit_resample(with_second, classes)[0][-count:]


SAMPLERS: dict[str, Sampler] = {"random": repeat_rows, "smote": interpolate_rows}
"""Name of an oversampler in the variants table -> how it makes rows of one class."""
