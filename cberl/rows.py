"""Labelled rows: what flows from the features to the graph.

N utterances with a vector per modality, which modalities each of them has, and its class.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cberl.errors import InputError
from cberl.modalities import MODALITIES

NO_LABEL = -1
"""Class number of an utterance without a label: it is context, and no loss or score counts it."""

ROWS_AT_ONCE = 8192
"""Rows of a piece."""


@dataclass(frozen=True)
class LabelledRows:
    """N utterances in one order for all modalities; checked, and put into this form, when made.

    Attributes:
        ids: utterance ids, object [N].
        values: modality -> float32 [N, width]; zeros where the modality is absent. Known
            modalities stand in their fixed order.
        available: modality -> bool [N]. If not given, a row of NaN is absent.
        labels: class numbers int64 [N], `NO_LABEL` where unknown. If not given, none is known.
        classes: names by number.

    Raises:
        InputError: lengths differ, something is not a number or not finite, a modality has no
            column, or a label is not the number of a class.
    """

    ids: np.ndarray
    values: dict[str, np.ndarray]
    available: dict[str, np.ndarray] = field(default_factory=dict)
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = np.asarray(self.ids, dtype=object)
        if not self.values:
            raise InputError("rows without any modality; expected at least one")
        values, available = {}, {}
        for name in in_fixed_order(self.values):
            matrix = _as_matrix(self.values[name], name)
            _check_length(matrix[:, 0], ids, f"modality {name}")
            mask = self.available.get(name)
            mask = ~np.isnan(matrix).all(axis=1) if mask is None else np.asarray(mask, dtype=bool)
            _check_length(mask, ids, f"availability of {name}")
            values[name], available[name] = _without_absent(matrix, mask), mask
            _check_finite(values[name], ids, name)
        labels = _as_numbers(np.full(len(ids), NO_LABEL) if self.labels is None else self.labels)
        _check_length(labels, ids, "labels")
        if len(labels) and not NO_LABEL <= labels.min() <= labels.max() < len(self.classes):
            raise InputError(
                f"labels {labels.min()} to {labels.max()}; expected numbers of the"
                f" {len(self.classes)} classes, or {NO_LABEL} where there is none"
            )
        for name, value in (
            ("ids", ids),
            ("values", values),
            ("available", available),
            ("labels", labels),
            ("classes", tuple(self.classes)),
        ):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities, in their order."""
        return tuple(self.values)

    @property
    def widths(self) -> dict[str, int]:
        """Modality -> width of its vectors."""
        return {name: matrix.shape[1] for name, matrix in self.values.items()}

    @property
    def labelled(self) -> np.ndarray:
        """Which rows have a label: bool [N]."""
        return self.labels != NO_LABEL

    @property
    def present(self) -> np.ndarray:
        """Which rows have at least one modality: bool [N]."""
        return np.any(list(self.available.values()), axis=0)

    def take(self, positions: np.ndarray | slice) -> "LabelledRows":
        """The rows at ``positions`` (int or bool array, or slice)."""
        return LabelledRows(
            self.ids[positions],
            {name: matrix[positions] for name, matrix in self.values.items()},
            {name: mask[positions] for name, mask in self.available.items()},
            self.labels[positions],
            self.classes,
        )

    def only(self, positions: np.ndarray | slice) -> "LabelledRows":
        """The same as `take`; of rows on disk (`cberl.row_files.RowFiles`) it reads nothing."""
        return self.take(positions)

    def pieces(self) -> Iterator["LabelledRows"]:
        """All rows, `ROWS_AT_ONCE` at a time, in order."""
        return split_into_pieces(self)

    def without(self, modality: str) -> "LabelledRows":
        """The same rows as if ``modality`` had never been recorded."""
        values, available = dict(self.values), dict(self.available)
        values[modality] = np.zeros_like(values[modality])
        available[modality] = np.zeros_like(available[modality])
        return replace(self, values=values, available=available)

    def with_labels(self, labels: np.ndarray, classes: Sequence[str]) -> "LabelledRows":
        """The same rows with these class numbers and names."""
        return replace(self, labels=labels, classes=tuple(classes))


def make_rows(
    values: Any,
    labels: Sequence[Any] | None = None,
    ids: Sequence[str] | None = None,
    classes: Sequence[Any] | None = None,
) -> LabelledRows:
    """Make rows from arrays, lists or frames, and labels as names or numbers.

    Args:
        values: one modality as [N, width], or several as a dict; a row of NaN is absent.
        labels: class of each row, of any type; None or NaN where unknown.
        ids: names of the rows; numbers if not given.
        classes: the classes in the order of their numbers; those that occur, sorted, if not given.

    Raises:
        InputError: something cannot be used; with what was expected.
    """
    by_name = values if isinstance(values, Mapping) else {"features": values}
    if not by_name:
        raise InputError("no modality; expected an array or a dict of arrays")
    try:
        length = len(next(iter(by_name.values())))
    except TypeError:
        raise InputError("values without a length; expected arrays [rows, width]") from None
    names = np.array([str(row) for row in range(length)] if ids is None else ids, dtype=object)
    if labels is None:
        return LabelledRows(names, dict(by_name))
    given = np.asarray(labels, dtype=object)
    if given.ndim != 1:
        raise InputError(f"labels of shape {given.shape}; expected one for each row")
    given = pd.Series(given)
    if classes is None:
        try:
            classes = sorted(given.dropna().unique())
        except TypeError:
            raise InputError("labels of several types; expected all names or all numbers") from None
    unknown = given.dropna()[~given.dropna().isin(list(classes))]
    if len(unknown):
        raise InputError(f"label {unknown.iloc[0]!r} is not among the classes {list(classes)}")
    numbers = pd.Categorical(given, categories=list(classes)).codes.astype(np.int64)
    return LabelledRows(names, dict(by_name), labels=numbers, classes=tuple(map(str, classes)))


def join_rows(first: LabelledRows, second: LabelledRows) -> LabelledRows:
    """Rows of ``first``, then rows of ``second``, which has the same modalities and classes.

    Raises:
        InputError: it has not.
    """
    if first.widths != second.widths:
        raise InputError(f"rows of widths {second.widths} do not go with rows of {first.widths}")
    if first.classes != second.classes:
        raise InputError(f"rows of classes {second.classes} do not go with {first.classes}")
    return LabelledRows(
        np.concatenate([first.ids, second.ids]),
        {name: np.concatenate([first.values[name], second.values[name]]) for name in first.values},
        {
            name: np.concatenate([first.available[name], second.available[name]])
            for name in first.available
        },
        np.concatenate([first.labels, second.labels]),
        first.classes,
    )


def split_into_pieces(rows: Any) -> Iterator[LabelledRows]:
    """Take all of `LabelledRows` or `cberl.row_files.RowFiles`, `ROWS_AT_ONCE` at a time."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows.take(slice(start, start + ROWS_AT_ONCE))


def in_fixed_order(names: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """Modalities in the order in which everything lists them; others behind, as they come."""
    known = [name for name in MODALITIES if name in names]
    return known + [name for name in names if name not in known]


def _as_matrix(value: Any, name: str) -> np.ndarray:
    try:
        matrix = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError):
        raise InputError(f"modality {name} holds what is not a number; expected floats") from None
    if matrix.ndim != 2 or not matrix.shape[1]:
        raise InputError(f"modality {name} has shape {matrix.shape}; expected [rows, width]")
    return matrix


def _without_absent(matrix: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Zeros in absent rows; copied only if something else stands there."""
    absent = ~mask
    if not absent.any() or not matrix[absent].any():
        return matrix
    return np.where(mask[:, None], matrix, np.float32(0))


def _as_numbers(labels: Any) -> np.ndarray:
    numbers = np.asarray(labels)
    if numbers.size and numbers.dtype.kind not in "iu":
        raise InputError(f"labels of type {numbers.dtype}; expected class numbers")
    return numbers.astype(np.int64, copy=False)


def _check_length(values: np.ndarray, ids: np.ndarray, what: str) -> None:
    if values.ndim != 1:
        raise InputError(f"{what}: of shape {values.shape}; expected one value for each id")
    if len(values) != len(ids):
        raise InputError(f"{what}: {len(values)} rows; expected {len(ids)}, one for each id")


def _check_finite(matrix: np.ndarray, ids: np.ndarray, name: str) -> None:
    # A sum is finite only if its terms are, and needs no array of the matrix's size.
    broken = ~np.isfinite(matrix.sum(axis=1, dtype=np.float64))
    if broken.any():
        row = ids[int(np.argmax(broken))]
        raise InputError(f"row {row} has NaN or infinite values in {name}; expected finite ones")
