"""Columns out of files that unpack to more than they are: Parquet, NPZ and Excel's workbooks.

They are unpacked in the sandbox and leave it as JSON and plain numbers.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cberl.corpus.cage.sandbox import Garbled, Lost, Sandbox
from cberl.corpus.readers.bounds import MEGABYTE, bytes_allowed
from cberl.corpus.readers.unpack import KINDS_OF_NUMBERS, unpack_columns
from cberl.corpus.reasons import OUT_OF_MEMORY, TIMED_OUT
from cberl.errors import InputError

TIME_LIMIT_S = 600.0
MEMORY_MB = 512
"""Beside what a file may unpack to, which is there up to four times: read, in one piece, encoded
and on its way."""


@dataclass(frozen=True)
class OtherCell:
    """A cell that is neither text nor a number; ``kind`` is the name of its type."""

    kind: str


def kind_of(value: Any) -> str:
    """The name of a cell's type, for a message."""
    return value.kind if isinstance(value, OtherCell) else type(value).__name__


def read_packed_columns(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Read all columns of a Parquet, NPZ or Excel file.

    Returns:
        per row, where it stands; column -> value per row: text, number, None, `OtherCell`, or
        an array of numbers where the file has a list or a row of a matrix.

    Raises:
        InputError: the file is broken, holds too many columns or too long cells, or unpacks to
            too much.
    """
    most_bytes = bytes_allowed(path)
    request = {"path": str(path.absolute()), "name": str(path), "most_bytes": most_bytes}
    memory_mb = MEMORY_MB + 4 * most_bytes // MEGABYTE
    read: list[tuple[list[str], dict[str, Any]]] = []

    def check(facts: dict[str, Any], blobs: list[bytes]) -> None:
        try:
            read.append(_decode(facts["columns"], iter(blobs)))
        except (ValueError, TypeError, LookupError, StopIteration, RecursionError):
            raise Garbled from None

    try:
        with Sandbox(unpack_columns, TIME_LIMIT_S, memory_mb) as sandbox:
            sandbox.call(request, check)
    except Lost as lost:
        words = {
            OUT_OF_MEMORY: f"unpacks to more than {most_bytes} bytes",
            TIMED_OUT: f"is not read after {TIME_LIMIT_S:g} s",
        }.get(lost.reason, f"cannot be read ({' '.join(lost.detail.split())})")
        raise InputError(f"{path}: {words}; expected a table of utterances") from None
    return read[0]


def _decode(columns: Any, blobs: Iterator[bytes]) -> tuple[list[str], dict[str, Any]]:
    """What `unpack_columns` encoded.

    Raises:
        ValueError, TypeError, LookupError, StopIteration, RecursionError: it is something else.
    """
    places = json.loads(next(blobs))
    values: dict[str, Any] = {}
    for column in columns:
        if column["kind"] == "cells":
            values[column["name"]] = [_cell(value) for value in json.loads(next(blobs))]
        elif column["kind"] == "lists":
            lengths = np.frombuffer(next(blobs), np.int64)
            values[column["name"]] = _cut(_numbers(next(blobs), column["dtype"]), lengths)
        else:
            numbers = _numbers(next(blobs), column["dtype"])
            values[column["name"]] = numbers.reshape(column["shape"])
    if next(blobs, None) is not None or not all(type(place) is str for place in places):
        raise ValueError
    if any(type(name) is not str or len(cells) != len(places) for name, cells in values.items()):
        raise ValueError
    return places, values


def _cell(value: Any) -> Any:
    return OtherCell(str(value["kind"])) if isinstance(value, dict) else value


def _numbers(blob: bytes, dtype: str) -> np.ndarray:
    kind = np.dtype(str(dtype))
    if kind.kind not in KINDS_OF_NUMBERS:
        raise ValueError(dtype)
    return np.frombuffer(blob, kind)


def _cut(values: np.ndarray, lengths: np.ndarray) -> list[np.ndarray | None]:
    """Cut values into one array per row; None where the length is -1."""
    ends = np.cumsum(np.maximum(lengths, 0))
    if lengths.min(initial=0) < -1 or (ends[-1] if len(ends) else 0) != len(values):
        raise ValueError
    return [
        None if length < 0 else values[end - length : end]
        for length, end in zip(lengths, ends, strict=True)
    ]
