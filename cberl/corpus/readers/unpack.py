"""Unpacking a Parquet, NPZ or Excel file: the part of a reader that runs in the sandbox."""

import datetime
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from cberl.corpus.readers.bounds import check_cell, check_column_count
from cberl.corpus.readers.spreadsheets import read_sheet
from cberl.errors import InputError

ROWS_AT_ONCE = 1024
KINDS_OF_NUMBERS = "biuf"
# What zipfile and NumPy raise for archives that are broken or encrypted.
BROKEN_ARCHIVE = (OSError, ValueError, RuntimeError, EOFError, KeyError, SyntaxError)
BROKEN_ARCHIVE += (zipfile.BadZipFile, zlib.error)

Encoded = tuple[dict[str, Any], list[bytes]]


def unpack_columns(request: dict[str, Any]) -> Encoded:
    """Read all columns of a file.

    Args:
        request: ``path``; ``name`` of the file for messages; ``most_bytes`` that it may unpack to.

    Returns:
        facts: ``columns``, for each its ``name``, ``kind`` and, of numbers, ``dtype``. Blobs: the
        places of the rows as JSON, then for each column, if its kind is ``cells``, JSON; if it is
        ``lists``, the number of values per row (int64, -1 where null) and the values; if it is
        ``matrix``, the values of an array of ``shape``. JSON has ``{"kind": TYPE}`` in place of
        what is neither text nor a number.

    Raises:
        InputError: see `cberl.corpus.readers.packed_columns.read_packed_columns`.
    """
    path, name, most_bytes = Path(request["path"]), request["name"], request["most_bytes"]
    readers = {".parquet": _read_parquet, ".npz": _read_npz, ".xlsx": _read_workbook}
    places, columns = readers[path.suffix.lower()](path, name, most_bytes)
    check_column_count(name, len(columns))
    facts, blobs = [], [json.dumps(places).encode()]
    for column, values in columns.items():
        described, encoded = _encode(values, name, places, column)
        facts.append({"name": column, **described})
        blobs += encoded
    return {"columns": facts}, blobs


def _read_parquet(path: Path, name: str, most_bytes: int) -> tuple[list[str], dict[str, Any]]:
    # Arrow's own allocator asks for more address space than it uses.
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        file = pq.ParquetFile(path)
        check_column_count(name, file.metadata.num_columns)
        for group in range(file.num_row_groups):
            for number in range(file.metadata.num_columns):
                column = file.metadata.row_group(group).column(number)
                stated = max(column.num_values, column.total_uncompressed_size)
                _refuse_too_many(f"{name}: {column.path_in_schema}", stated, most_bytes)
        batches, size = [], 0
        for batch in file.iter_batches(ROWS_AT_ONCE, use_threads=False):
            size += batch.nbytes
            _refuse_too_many(name, size, most_bytes)
            batches.append(batch)
        table = pa.Table.from_batches(batches, file.schema_arrow)
    except (MemoryError, InputError):
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise InputError(f"{name}: not a whole Parquet file ({_one_line(error)})") from None
    for column in table.column_names:
        if table.column_names.count(column) > 1:
            raise InputError(f"{name}: column {column!r} appears twice")
    places = [f"row {number}" for number in range(1, table.num_rows + 1)]
    return places, dict(zip(table.column_names, table.columns, strict=True))


def _read_npz(path: Path, name: str, most_bytes: int) -> tuple[list[str], dict[str, Any]]:
    arrays = {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            sizes = {info.filename: info.file_size for info in archive.zip.infolist()}
            check_column_count(name, len(sizes))
            for member, size in sizes.items():
                _refuse_too_many(f"{name}: {member}", size, most_bytes)
            _refuse_too_many(name, sum(sizes.values()), most_bytes)
            for member in archive.files:
                arrays[member] = np.asarray(archive[member])
    except InputError:
        raise
    except BROKEN_ARCHIVE as error:
        raise InputError(
            f"{name}: not a whole NPZ file of plain arrays ({_one_line(error)})"
        ) from None
    lengths = {member: len(array) if array.ndim else -1 for member, array in arrays.items()}
    for member, length in lengths.items():
        if length != max(lengths.values()):
            raise InputError(
                f"{name}: array {member} has {length} rows; expected {max(lengths.values())}, "
                "as others have"
            )
    return [f"row {number}" for number in range(1, max(lengths.values(), default=0) + 1)], arrays


def _read_workbook(path: Path, name: str, most_bytes: int) -> tuple[list[str], dict[str, Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except BROKEN_ARCHIVE as error:
        raise InputError(f"{name}: not a whole Excel workbook ({_one_line(error)})") from None
    _refuse_too_many(name, size, most_bytes)
    return read_sheet(path)


def _refuse_too_many(where: str, size: int, most_bytes: int) -> None:
    """Refuse what a file says it unpacks to before it does, or what it came to."""
    if size > most_bytes:
        raise InputError(
            f"{where}: unpacks to {size} bytes or more; expected at most {most_bytes} of a file "
            "of this size"
        )


def _encode(values: Any, name: str, places: list[str], column: str) -> Encoded:
    """What `unpack_columns` tells of one column, and its blobs."""
    if isinstance(values, pa.ChunkedArray):
        return _encode_lists(values) or _encode_cells(_cells_of(values), name, places, column)
    if isinstance(values, np.ndarray) and values.ndim > 1:
        if values.dtype.kind not in KINDS_OF_NUMBERS:
            raise InputError(f"{name}: array {column} holds {values.dtype}; expected numbers")
        dtype, encoded = _encode_numbers(values)
        return {"kind": "matrix", "dtype": dtype, "shape": list(values.shape)}, [encoded]
    cells = values.tolist() if isinstance(values, np.ndarray) else values
    return _encode_cells(cells, name, places, column)


def _encode_lists(values: pa.ChunkedArray) -> Encoded | None:
    """A column of lists of numbers; None if it is none."""
    kind = values.type
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return None
    inner = kind.value_type
    if not (types.is_integer(inner) or types.is_floating(inner) or types.is_boolean(inner)):
        return None
    lengths = pc.fill_null(pc.list_value_length(values).cast(pa.int64()), -1)
    flat = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in values.chunks]
    dtype, encoded = _encode_numbers(np.concatenate(flat) if flat else np.empty(0))
    return {"kind": "lists", "dtype": dtype}, [lengths.to_numpy().tobytes(), encoded]


def _cells_of(values: pa.ChunkedArray) -> Iterator[Any]:
    """Values one by one: lists would take many times their room as objects of Python's."""
    if types.is_nested(values.type):
        return ([] if valid else None for valid in values.is_valid().to_pylist())
    return iter(values.to_pylist())


def _encode_numbers(values: np.ndarray) -> tuple[str, bytes]:
    if values.dtype.kind == "O":  # booleans beside nulls
        values = values.astype(np.float64)
    if values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return values.dtype.str, values.tobytes()


def _encode_cells(cells: Any, name: str, places: list[str], column: str) -> Encoded:
    plain = []
    for place, cell in zip(places, cells, strict=True):
        if isinstance(cell, datetime.time):  # what a spreadsheet makes of 0:01:23
            cell = cell.isoformat()
        if isinstance(cell, str):
            check_cell(f"{name}: {place}", column, cell)
        elif not (cell is None or isinstance(cell, bool | int | float)):
            cell = {"kind": type(cell).__name__}
        plain.append(cell)
    return {"kind": "cells"}, [json.dumps(plain).encode()]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
