"""Labelled rows whose vectors stay on disk: what is too large for memory goes through in pieces."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cberl.artifacts import take_vectors, vector_width
from cberl.rows import NO_LABEL, LabelledRows, split_into_pieces


@dataclass(frozen=True)
class VectorFile:
    """One modality's vectors of N rows.

    Attributes:
        path: a table.
        column: its column of vectors.
        mean, scale: float32 [width], taken from each vector and dividing it.
    """

    path: str | Path
    column: str
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None

    @property
    def width(self) -> int:
        """Numbers in each vector."""
        return vector_width(self.path, self.column)

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Scaled vectors of some rows of the file: float32 [len(positions), width]."""
        matrix = take_vectors(self.path, self.column, positions)
        with np.errstate(over="ignore"):  # what overflows is refused by `LabelledRows`
            if self.mean is not None:
                matrix -= self.mean
            if self.scale is not None:
                matrix /= self.scale
        return matrix


@dataclass(frozen=True)
class RowFiles:
    """The same as `LabelledRows`, but for the vectors: N rows, read when they are taken.

    Attributes:
        files: modality -> its vectors.
        positions: row of the files that each row is, int64 [N].
        ids, available, labels, classes: as in `LabelledRows`.
    """

    files: Mapping[str, VectorFile]
    positions: np.ndarray
    ids: np.ndarray
    available: Mapping[str, np.ndarray]
    labels: np.ndarray
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities, in their order."""
        return tuple(self.files)

    @property
    def widths(self) -> dict[str, int]:
        """Modality -> width of its vectors."""
        return {name: file.width for name, file in self.files.items()}

    @property
    def labelled(self) -> np.ndarray:
        """Which rows have a label: bool [N]."""
        return self.labels != NO_LABEL

    @property
    def present(self) -> np.ndarray:
        """Which rows have at least one modality: bool [N]."""
        return np.any(list(self.available.values()), axis=0)

    def take(self, positions: np.ndarray | slice) -> LabelledRows:
        """Read the rows at ``positions`` (int or bool array, or slice).

        Raises:
            InputError: a row has NaN or infinite values in a modality that it should have.
        """
        own = self.only(positions)
        values = {}
        for name, file in own.files.items():
            values[name] = file.take(own.positions)
            values[name][~own.available[name]] = 0
        return LabelledRows(own.ids, values, dict(own.available), own.labels, own.classes)

    def only(self, positions: np.ndarray | slice) -> "RowFiles":
        """The rows at ``positions`` without reading them."""
        return replace(
            self,
            positions=self.positions[positions],
            ids=self.ids[positions],
            available={name: mask[positions] for name, mask in self.available.items()},
            labels=self.labels[positions],
        )

    def pieces(self) -> Iterator[LabelledRows]:
        """All rows, some thousand at a time, in order."""
        return split_into_pieces(self)

    def with_labels(self, labels: np.ndarray, classes: Sequence[str]) -> "RowFiles":
        """The same rows with these class numbers and names."""
        return replace(self, labels=labels, classes=tuple(classes))
