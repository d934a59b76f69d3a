"""Pickles that are a dict of train, valid and test, each a dict of columns.

In this layout MMSA and MultiBench share CMU-MOSI, CMU-MOSEI and CH-SIMS: a row is an utterance, a
modality is [N, width], or [N, steps, width] with steps of zeros where an utterance is shorter.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.corpus.readers.pickled_names import as_text
from cberl.corpus.readers.text_files import map_control_codes
from cberl.errors import InputError

PARTITIONS = {"train": "train", "valid": "dev", "dev": "dev", "test": "test"}
MODALITY_COLUMNS = {"text": "text", "audio": "audio", "vision": "video", "video": "video"}
CLASS_COLUMNS = ("annotations", "classification_labels")
SCORE_COLUMNS = ("regression_labels", "labels")

_NAME = re.compile(r"(.+)(?:\$_\$|/|\[)([^\[\]/]+)\]?")
"""Dialogue and utterance: ``video$_$clip``, ``video/clip``, ``video[clip]``."""


def is_partitioned(content: Any) -> bool:
    """Whether a pickle's content has this layout."""
    return (
        isinstance(content, dict)
        and {"train", "test"} <= set(content) <= set(PARTITIONS)
        and all(isinstance(columns, dict) for columns in content.values())
    )


def read_partitions(
    content: Mapping[str, Mapping[str, Any]], path: Path
) -> tuple[pd.DataFrame, dict[str, Callable[[], Iterator[Any]]], list[str], list[str]]:
    """Read rows and vectors; see `cberl.corpus.readers.pickle_rows.read_pickle_rows`.

    Labels are ``annotations`` or ``classification_labels``, else scores. Each dialogue is taken
    for one speaker's, since speakers are not named. Steps of a modality are averaged.

    Raises:
        InputError: a column is missing, or not as long as the others; while vectors are gone
            through, one that has no steps of numbers.
    """
    frames: list[pd.DataFrame] = []
    parts: dict[str, list[tuple[str, Callable[[], Iterator[Any]]]]] = {}
    column = _label_column(content, path)
    for name, columns in content.items():
        source = f"{path}: {name}"
        ids = [_first(value) for value in _column(columns, "id", source)]
        frames.append(_rows(ids, columns, column, PARTITIONS[name], source))
        for theirs, ours in MODALITY_COLUMNS.items():
            if theirs in columns:
                lengths = columns.get(f"{theirs}_lengths")
                values = _column(columns, theirs, source, len(ids))
                pool = partial(_pool, values, lengths, f"{source}: {theirs}")
                parts.setdefault(ours, []).append((name, pool))
    rows = pd.concat(frames, ignore_index=True)
    for modality, found in parts.items():
        if [name for name, _ in found] != list(content):
            raise InputError(f"{path}: {modality} is not in every split; expected it in all")
    vectors = {
        modality: partial(_joined, [pool for _, pool in found]) for modality, found in parts.items()
    }
    notices = [
        f"{path.name}: labels are its column {column}; each dialogue is taken for one speaker's; "
        "steps of a modality are averaged"
    ]
    return rows, vectors, [], notices


def _label_column(content: Mapping[str, Mapping[str, Any]], path: Path) -> str:
    for column in (*CLASS_COLUMNS, *SCORE_COLUMNS):
        if all(column in columns for columns in content.values()):
            return column
    raise InputError(f"{path}: has no labels; expected {', '.join(CLASS_COLUMNS + SCORE_COLUMNS)}")


def _rows(
    ids: Sequence[str], columns: Mapping[str, Any], label: str, split: str, source: str
) -> pd.DataFrame:
    labels = np.asarray(_column(columns, label, source, len(ids)), dtype=object)
    texts = columns.get("raw_text")
    texts = [""] * len(ids) if texts is None else _column(columns, "raw_text", source, len(ids))
    names = [_NAME.fullmatch(name) for name in ids]
    dialogues = [found[1] if found else name for found, name in zip(names, ids, strict=True)]
    return pd.DataFrame(
        {
            "split": split,
            "dialogue": dialogues,
            "utterance": [found[2] if found else "0" for found in names],
            "speaker": dialogues,
            "text": [map_control_codes(str(_first(text))).strip() for text in texts],
            "label": [str(_first(value)) for value in labels],
            "where": [f"{source}: utterance {name}" for name in ids],
        }
    )


def _column(
    columns: Mapping[str, Any], name: str, source: str, length: int | None = None
) -> Sequence[Any]:
    values = columns.get(name)
    if not isinstance(values, list | tuple | np.ndarray) or getattr(values, "ndim", 1) < 1:
        raise InputError(f"{source}: has no column {name}; found {', '.join(map(str, columns))}")
    if length is not None and len(values) != length:
        raise InputError(f"{source}: {name} has {len(values)} rows; expected {length}, as id has")
    return values


def _first(value: Any) -> Any:
    """The value, from an array with any number of dimensions of size 1."""
    while isinstance(value, list | tuple | np.ndarray) and np.size(value):
        value = value.item(0) if isinstance(value, np.ndarray) else value[0]
    return as_text(value)


def _joined(parts: Sequence[Callable[[], Iterator[Any]]]) -> Iterator[Any]:
    for part in parts:
        yield from part()


def _pool(values: Sequence[Any], lengths: Any, source: str) -> Iterator[Any]:
    """The mean over the steps of each utterance, without those that fill it up.

    What is minus infinity in COVAREP's features (a logarithm of nothing) counts as 0, as the
    authors of these files have it.
    """
    if not len(values) or np.ndim(values[0]) < 2:
        yield from values
        return
    for number, value in enumerate(values):
        steps = np.asarray(value)
        if steps.ndim != 2 or steps.dtype.kind not in "biuf":
            raise InputError(f"{source}: row {number}: expected numbers [steps, width]")
        steps = np.where(np.isneginf(steps), 0, steps)  # [steps, width]
        kept = steps.any(axis=1)
        if lengths is not None:
            kept = np.arange(len(steps)) < int(_first(lengths[number]))
        yield steps[kept].mean(axis=0, dtype=float) if kept.any() else np.zeros(steps.shape[1])
