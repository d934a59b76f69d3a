"""Unpacking a pickle: the part of its reader that runs in the sandbox."""

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.corpus.readers.pickle_rows import Vectors, as_vector, read_pickle_rows
from cberl.corpus.readers.unpack import ROWS_AT_ONCE, Encoded, encode_vectors, refuse_too_many
from cberl.errors import InputError

COLUMNS = ("split", "dialogue", "utterance", "speaker", "text", "label", "where")
"""Columns of the rows of a pickle, all of text."""


def unpack_pickle(request: dict[str, Any]) -> Encoded | Iterator[Encoded]:
    """Read all of a pickle but its vectors, or of a pickle that is read the vectors of a modality.

    Args:
        request: ``path``; ``name`` of the file for messages; ``column``, the modality;
            ``most_bytes`` that its numbers may come to.

    Returns:
        without ``column``, facts: ``modalities`` that have vectors, ``classes`` and ``notices``;
        blobs: `COLUMNS`, each as JSON. With it, an iterator of pieces as of
        `cberl.corpus.readers.unpack.unpack_vectors`.

    Raises:
        InputError: see `cberl.corpus.readers.pickle_rows.read_pickle_rows`; what should be a
            vector is none; too many numbers.
    """
    if "column" in request:
        return _pieces_of(request)
    _read.cache_clear()  # the file may be another by now
    rows, vectors, classes, notices = _read(request["path"], request["name"])
    facts = {"modalities": list(vectors), "classes": classes, "notices": notices}
    return facts, [json.dumps(rows[column].tolist()).encode() for column in COLUMNS]


@lru_cache(maxsize=1)
def _read(path: str, name: str) -> tuple[pd.DataFrame, dict[str, Vectors], list[str], list[str]]:
    """A pickle is built whole, so it is kept: its vectors are asked for one modality at a time."""
    return read_pickle_rows(Path(path), Path(name))


def _pieces_of(request: dict[str, Any]) -> Iterator[Encoded]:
    name, modality = request["name"], request["column"]
    rows, vectors, _, _ = _read(request["path"], name)
    values, places, size = vectors[modality](), iter(rows["where"]), 0
    while piece := list(islice(values, ROWS_AT_ONCE)):
        lengths, numbers = [], [np.empty(0, bool)]
        for value in piece:
            vector = _vector_of(value, f"{next(places)}: {modality}")
            lengths.append(-1 if vector is None else len(vector))
            if vector is not None:
                numbers.append(vector)
                size += vector.nbytes
                refuse_too_many(f"{name}: {modality}", size, request["most_bytes"])
        yield encode_vectors(np.array(lengths), np.concatenate(numbers))


def _vector_of(value: Any, where: str) -> np.ndarray | None:
    if value is None:
        return None
    try:
        len(value)
    except TypeError:
        raise InputError(
            f"{where}: is a {type(value).__name__}; expected a list of numbers"
        ) from None
    try:
        return as_vector(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{where}: holds what is no number") from None
