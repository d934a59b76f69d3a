"""Reading one split's features of all modalities, scaled, with their labels."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cberl.artifacts import read_header, read_table, read_tensors
from cberl.corpus.labels import read_classes, read_labels
from cberl.errors import InputError
from cberl.features.tables import FEATURES
from cberl.row_files import RowFiles, VectorFile
from cberl.rows import NO_LABEL, LabelledRows, in_fixed_order


def read_rows(
    features: Iterable[str | Path], scaler: str | Path, labels: str | Path | None = None
) -> LabelledRows:
    """Read one split's features, one file per modality, and scale them; see `open_rows`.

    Raises:
        InputError: see `open_rows`; an available row has NaN or infinite values, if only once
            it is scaled.
    """
    rows = open_rows(features, scaler, labels)
    try:
        return rows.take(slice(None))
    except InputError as error:
        split = read_header(next(iter(rows.files.values())).path)["metadata"]["split"]
        raise InputError(f"features of split {split}: {error}") from None


def open_rows(
    features: Iterable[str | Path], scaler: str | Path, labels: str | Path | None = None
) -> RowFiles:
    """Open one split's features; their vectors stay on disk until they are taken.

    Args:
        features: tables FEATURES of one split; the metadata of each names its modality.
        scaler: tensors ``{modality}.mean`` and ``{modality}.scale``, fitted on train.
        labels: table LABELS of the split; without it no row has a label.

    Raises:
        InputError: the files are not of one split, or do not hold the same utterances in the same
            order.
    """
    tensors, _ = read_tensors(scaler, "scaler")
    ids: np.ndarray | None = None
    split: str | None = None
    files, available = {}, {}
    for path in features:
        facts = read_header(path)["metadata"]
        modality = facts["modality"]
        if split not in (None, facts["split"]):
            raise InputError(f"{path}: holds split {facts['split']}, the others {split}")
        split = facts["split"]
        frame = read_table(path, FEATURES, ["utterance_id", "available"])
        own_ids = frame["utterance_id"].to_numpy(dtype=object)
        if ids is not None and not np.array_equal(ids, own_ids):
            raise InputError(f"{path}: does not hold the same utterances as the other modalities")
        ids = own_ids
        mean, scale = tensors[f"{modality}.mean"], tensors[f"{modality}.scale"]
        files[modality] = VectorFile(path, "features", mean, scale)
        available[modality] = frame["available"].to_numpy(dtype=bool, copy=True)
    if ids is None:
        raise InputError("no modality to read; expected at least one")
    files = {name: files[name] for name in in_fixed_order(files)}
    available = {name: available[name] for name in files}
    unknown = np.full(len(ids), NO_LABEL)
    rows = RowFiles(files, np.arange(len(ids)), ids, available, unknown)
    if labels is None:
        return rows
    return rows.with_labels(read_labels(labels, ids), read_classes(labels))


def group_by_split(paths: Iterable[str | Path]) -> dict[str, list[str | Path]]:
    """Sort tables FEATURES by the split in their metadata."""
    groups: dict[str, list[str | Path]] = {}
    for path in paths:
        groups.setdefault(read_header(path)["metadata"]["split"], []).append(path)
    return groups
