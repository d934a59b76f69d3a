"""Columns from files that unpack to more than their size: Parquet, NPZ and Excel workbooks.

They are unpacked in the sandbox and leave it as JSON and plain numbers; columns of vectors, most of
what a file of features holds, in pieces, when they are read.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cberl.corpus.cage.sandbox import UNREADABLE_ANSWER, Check, Garbled, Lost, Sandbox
from cberl.corpus.readers.bounds import MEGABYTE, bytes_allowed
from cberl.corpus.readers.unpack import KINDS_OF_NUMBERS, VECTORS, unpack_columns, unpack_vectors
from cberl.corpus.reasons import CRASHED, OUT_OF_MEMORY, TIMED_OUT
from cberl.errors import InputError

TIME_LIMIT_S = 600.0
MEMORY_MB = 512
"""Beside what a file may unpack to, which is there up to four times: read, in one piece, encoded
and on its way."""
A_VECTOR = "list of numbers"
OpenSandbox = Callable[[], AbstractContextManager[tuple[Sandbox, dict[str, Any]]]]


@dataclass(frozen=True)
class OtherCell:
    """A cell that is neither text nor a number; ``kind`` is the name of its type."""

    kind: str

    def __str__(self) -> str:
        return f"({self.kind})"


def holds_others(cells: Sequence[Any]) -> bool:
    """Whether a column has cells that are neither text nor numbers."""
    return isinstance(cells, PackedVectors) or any(isinstance(cell, OtherCell) for cell in cells)


def kind_of(value: Any) -> str:
    """The name of a cell's type, for a message."""
    return value.kind if isinstance(value, OtherCell) else type(value).__name__


class PackedVectors(Sequence):
    """A column of vectors, left in its file: as cells they are no more than lists of numbers.

    Args:
        open_sandbox: gives a sandbox whose task answers a request for a column as
            `cberl.corpus.readers.unpack.unpack_vectors` does, and the rest of the request.
    """

    def __init__(self, column: str, rows: int, open_sandbox: OpenSandbox) -> None:
        self._column, self._rows, self._open_sandbox = column, rows, open_sandbox

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, position: int) -> OtherCell:
        if not -self._rows <= position < self._rows:
            raise IndexError(position)
        return OtherCell(A_VECTOR)

    def pieces(self) -> Iterator[list[np.ndarray | None]]:
        """Read the vectors, some thousand rows at a time: an array of numbers each, or None.

        Raises:
            InputError: the file is broken, or unpacks to too much.
        """
        left = self._rows
        read: list[list[np.ndarray | None]] = []

        def check(facts: dict[str, Any], blobs: list[bytes]) -> None:
            lengths, numbers = blobs
            read.append(_cut(_numbers(numbers, facts["dtype"]), np.frombuffer(lengths, np.int64)))
            if not 0 < len(read[-1]) <= left:
                raise ValueError

        with self._open_sandbox() as (sandbox, request):
            for _ in sandbox.stream(request | {"column": self._column}, guarded(check)):
                left -= len(read[-1])
                yield read.pop()
            if left:
                raise Lost(CRASHED, UNREADABLE_ANSWER)


def read_packed_columns(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Read all columns of a Parquet, NPZ or Excel file.

    Returns:
        per row, where it stands; column -> value per row: text, number, None or `OtherCell`, or
        `PackedVectors` where the file has lists of numbers or rows of a matrix.

    Raises:
        InputError: the file is broken, holds too many columns or too long cells, or unpacks to
            too much.
    """
    read: list[tuple[list[str], dict[str, Any]]] = []

    def check(facts: dict[str, Any], blobs: list[bytes]) -> None:
        read.append(_decode(path, facts["columns"], iter(blobs)))

    with unpacking(path, unpack_columns) as (sandbox, request):
        sandbox.call(request, guarded(check))
    return read[0]


@contextmanager
def unpacking(path: Path, task: Callable) -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    """A sandbox for a task that unpacks a file, and what to ask it for.

    Raises:
        InputError: the work was lost.
    """
    sandbox, request = sandbox_for(path, task)
    with refusing_what_is_lost(path, request), sandbox:
        yield sandbox, request


def sandbox_for(path: Path, task: Callable) -> tuple[Sandbox, dict[str, Any]]:
    """A sandbox with the memory that a file may need, not yet started, and what to ask it for."""
    most_bytes = bytes_allowed(path)
    sandbox = Sandbox(task, TIME_LIMIT_S, MEMORY_MB + 4 * most_bytes // MEGABYTE)
    request = {"path": str(path.absolute()), "name": str(path), "most_bytes": most_bytes}
    return sandbox, request


@contextmanager
def refusing_what_is_lost(path: Path, request: dict[str, Any]) -> Iterator[None]:
    """Turn what happened to a sandbox into an error that names the file.

    Raises:
        InputError: the work was lost.
    """
    try:
        yield
    except Lost as lost:
        most_bytes = request["most_bytes"]
        words = {
            OUT_OF_MEMORY: f"unpacks to more than {most_bytes} bytes",
            TIMED_OUT: f"is not read after {TIME_LIMIT_S:g} s",
        }.get(lost.reason, f"cannot be read ({' '.join(lost.detail.split())})")
        raise InputError(f"{path}: {words}; expected a table of utterances") from None


def guarded(check: Check) -> Check:
    """The same check, for which an answer that it cannot take is none."""

    def guarded(facts: dict[str, Any], blobs: list[bytes]) -> None:
        try:
            check(facts, blobs)
        except (ValueError, TypeError, LookupError, StopIteration, RecursionError):
            raise Garbled from None

    return guarded


def _decode(path: Path, columns: Any, blobs: Iterator[bytes]) -> tuple[list[str], dict[str, Any]]:
    """What `unpack_columns` encoded.

    Raises:
        ValueError, TypeError, LookupError, StopIteration, RecursionError: it is something else.
    """
    places = json.loads(next(blobs))
    values: dict[str, Any] = {}
    for column in columns:
        if column["kind"] == "cells":
            values[column["name"]] = [_cell(value) for value in json.loads(next(blobs))]
        elif column["kind"] == VECTORS:
            open_sandbox = partial(unpacking, path, unpack_vectors)
            values[column["name"]] = PackedVectors(column["name"], len(places), open_sandbox)
        else:
            raise ValueError
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
