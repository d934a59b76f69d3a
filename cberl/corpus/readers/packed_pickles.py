"""Pickles of features or text: read in the sandbox, which they leave as JSON and plain numbers."""

import json
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from cberl.corpus.cage.sandbox import Sandbox
from cberl.corpus.readers.packed_columns import (
    PackedVectors,
    guarded,
    refusing_what_is_lost,
    sandbox_for,
)
from cberl.corpus.readers.unpack_pickle import COLUMNS, unpack_pickle
from cberl.modalities import MODALITIES


class _KeptPickle:
    """A sandbox that reads a pickle and keeps it as long as its vectors are referenced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sandbox, self._request = sandbox_for(path, unpack_pickle)
        weakref.finalize(self, self._sandbox.stop)

    @contextmanager
    def asked(self) -> Iterator[tuple[Sandbox, dict[str, Any]]]:
        """As `cberl.corpus.readers.packed_columns.unpacking`, but the worker stays."""
        with refusing_what_is_lost(self._path, self._request):
            yield self._sandbox, self._request


def read_packed_pickle(
    path: Path,
) -> tuple[pd.DataFrame, dict[str, Sequence[Any]], list[str], list[str]]:
    """Read a pickle; pickles are opened nowhere else.

    Returns:
        rows as `cberl.corpus.readers.table.conversation_rows` gives them; modality -> a vector per
        row, to be read one modality after the other; the classes in the order of the label
        numbers, if they are known; notices.

    Raises:
        InputError: the file does not hold what it should, or asks for too much memory or time.
    """
    kept = _KeptPickle(path)
    read: list[tuple[pd.DataFrame, dict[str, Sequence[Any]], list[str], list[str]]] = []

    def check(facts: dict[str, Any], blobs: list[bytes]) -> None:
        columns = {
            name: _texts(json.loads(blob)) for name, blob in zip(COLUMNS, blobs, strict=True)
        }
        rows = pd.DataFrame(columns, dtype=object)
        modalities = _texts(facts["modalities"])
        if not set(modalities) <= set(MODALITIES):
            raise ValueError
        vectors = {name: PackedVectors(name, len(rows), kept.asked) for name in modalities}
        read.append((rows, vectors, _texts(facts["classes"]), _texts(facts["notices"])))

    with kept.asked() as (sandbox, request):
        sandbox.call(request, guarded(check))
    return read[0]


def _texts(values: Any) -> list[str]:
    """The same list, if it is one of texts.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(values, list) or not all(type(value) is str for value in values):
        raise ValueError
    return values
