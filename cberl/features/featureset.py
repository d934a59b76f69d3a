"""All modalities' features of some utterances, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cberl.artifacts import read_matrix, read_table, read_tensors
from cberl.errors import InputError
from cberl.features.tables import FEATURES


@dataclass(frozen=True)
class FeatureSet:
    """Scaled features with their availability; N utterances in one order for all modalities.

    Attributes:
        ids: utterance ids, object array [N].
        values: modality -> float32 [N, width]; zeros where the modality is absent.
        available: modality -> bool [N].
    """

    ids: np.ndarray
    values: dict[str, np.ndarray]
    available: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.values)

    def take(self, positions: np.ndarray) -> "FeatureSet":
        """Rows at ``positions`` (int or bool array)."""
        return FeatureSet(
            self.ids[positions],
            {name: value[positions] for name, value in self.values.items()},
            {name: mask[positions] for name, mask in self.available.items()},
        )

    def without(self, modality: str) -> "FeatureSet":
        """The same rows as if ``modality`` had never been recorded."""
        return FeatureSet(
            self.ids,
            {
                name: np.zeros_like(value) if name == modality else value
                for name, value in self.values.items()
            },
            {
                name: np.zeros_like(mask) if name == modality else mask
                for name, mask in self.available.items()
            },
        )


def join(first: FeatureSet, second: FeatureSet) -> FeatureSet:
    """Rows of ``first``, then rows of ``second``, which has the same modalities."""
    return FeatureSet(
        np.concatenate([first.ids, second.ids]),
        {name: np.concatenate([first.values[name], second.values[name]]) for name in first.values},
        {
            name: np.concatenate([first.available[name], second.available[name]])
            for name in first.available
        },
    )


def read_features(paths: Mapping[str, str | Path], scaler: str | Path) -> FeatureSet:
    """Read one split's features, one file per modality, and scale them.

    Args:
        paths: modality -> table of features of the same split.
        scaler: tensors ``{modality}.mean`` and ``{modality}.scale``, fitted on train.

    Raises:
        InputError: the files do not hold the same utterances in the same order, or an available
            row has NaN or infinite values, be it only once it is scaled.
    """
    tensors, _ = read_tensors(scaler, "scaler")
    ids: np.ndarray | None = None
    values, available = {}, {}
    for modality, path in paths.items():
        frame = read_table(path, FEATURES, ["utterance_id", "available"])
        own_ids = frame["utterance_id"].to_numpy(dtype=object)
        if ids is not None and not np.array_equal(ids, own_ids):
            raise InputError(f"{path}: does not hold the same utterances as the other modalities")
        ids = own_ids
        mask = frame["available"].to_numpy(dtype=bool, copy=True)
        matrix = read_matrix(path, "features")
        with np.errstate(over="ignore"):  # what overflows is refused below
            scaled = (matrix - tensors[f"{modality}.mean"]) / tensors[f"{modality}.scale"]
        values[modality] = np.where(mask[:, None], scaled, 0).astype(np.float32)
        _refuse_broken_rows(values[modality], ids, path)
        available[modality] = mask
    if ids is None:
        raise InputError("no modality to read; expected at least one")
    return FeatureSet(ids, values, available)


def _refuse_broken_rows(matrix: np.ndarray, ids: np.ndarray, path: str | Path) -> None:
    # A sum is finite only if its terms are, and needs no array of the matrix's size.
    broken = ~np.isfinite(matrix.sum(axis=1, dtype=np.float64))
    if broken.any():
        row = ids[int(np.argmax(broken))]
        raise InputError(f"{path}: row {row} has NaN or infinite values; expected finite ones")
