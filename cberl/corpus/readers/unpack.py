"""Unpacking a Parquet, NPZ or Excel file: the part of a reader that runs in the sandbox."""

import datetime
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from cberl.corpus.readers.bounds import check_cell, check_column_count
from cberl.corpus.readers.spreadsheets import read_sheet
from cberl.errors import InputError

ROWS_AT_ONCE = 1024
BYTES_AT_ONCE = 1 << 20
"""Read at once of a Parquet file's column, all of which may be one piece."""
VECTORS = "vectors"
"""In place of the cells of a column of vectors."""
KINDS_OF_NUMBERS = "biuf"
# What zipfile and NumPy raise for archives that are broken or encrypted.
BROKEN_ARCHIVE = (OSError, ValueError, RuntimeError, EOFError, KeyError, SyntaxError)
BROKEN_ARCHIVE += (zipfile.BadZipFile, zlib.error)
BROKEN_PARQUET = (pa.ArrowException, OSError, ValueError, OverflowError)

Encoded = tuple[dict[str, Any], list[bytes]]


def unpack_columns(request: dict[str, Any]) -> Encoded:
    """Read all columns of a file but those of vectors, which `unpack_vectors` reads.

    Args:
        request: ``path``; ``name`` of the file for messages; ``most_bytes`` that it may unpack to.

    Returns:
        facts: ``columns``, for each its ``name`` and ``kind``. Blobs: the places of the rows as
        JSON, then for each column whose kind is ``cells``, JSON; there is none for one of
        ``vectors``. JSON has ``{"kind": TYPE}`` in place of what is neither text nor a number.

    Raises:
        InputError: see `cberl.corpus.readers.packed_columns.read_packed_columns`.
    """
    path, name, most_bytes = Path(request["path"]), request["name"], request["most_bytes"]
    readers = {".parquet": _read_parquet, ".npz": _read_npz, ".xlsx": _read_workbook}
    places, columns = readers[path.suffix.lower()](path, name, most_bytes)
    check_column_count(name, len(columns))
    facts, blobs = [], [json.dumps(places).encode()]
    for column, values in columns.items():
        if values is VECTORS:
            facts.append({"name": column, "kind": VECTORS})
        else:
            facts.append({"name": column, "kind": "cells"})
            blobs.append(_encode_cells(_cells_of(values), name, places, column))
    return {"columns": facts}, blobs


def unpack_vectors(request: dict[str, Any]) -> Iterator[Encoded]:
    """Read one column of vectors in pieces.

    Args:
        request: as of `unpack_columns`; ``column``.

    Yields:
        facts: ``dtype`` of the numbers. Blobs: how many there are in each of some rows (int64, -1
        where null), and the numbers.

    Raises:
        InputError: see `cberl.corpus.readers.packed_columns.PackedVectors`.
    """
    path, name, column = Path(request["path"]), request["name"], request["column"]
    pieces = _pieces_of_npz if path.suffix.lower() == ".npz" else _pieces_of_parquet
    size = 0
    for lengths, numbers in pieces(path, name, column):
        size += numbers.nbytes
        refuse_too_many(f"{name}: {column}", size, request["most_bytes"])
        yield encode_vectors(lengths, numbers)


def encode_vectors(lengths: np.ndarray, numbers: np.ndarray) -> Encoded:
    """One of the answers of `unpack_vectors`.

    Args:
        lengths: numbers in each row, -1 where it is null, [N].
        numbers: of all rows, one after the other.
    """
    if numbers.dtype.kind == "O" or numbers.dtype.itemsize > 8:  # booleans beside nulls
        numbers = numbers.astype(np.float64)
    numbers = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("<"))
    lengths = np.ascontiguousarray(lengths, "<i8")
    return {"dtype": numbers.dtype.str}, [lengths.tobytes(), numbers.tobytes()]


def _read_parquet(path: Path, name: str, most_bytes: int) -> tuple[list[str], dict[str, Any]]:
    try:
        file = _open_parquet(path)
        names = file.schema_arrow.names
        for column in names:
            if names.count(column) > 1:
                raise InputError(f"{name}: column {column!r} appears twice; expected it once")
        check_column_count(name, file.metadata.num_columns)
        for group in range(file.num_row_groups):
            for number in range(file.metadata.num_columns):
                column = file.metadata.row_group(group).column(number)
                stated = max(column.num_values, column.total_uncompressed_size)
                refuse_too_many(f"{name}: {column.path_in_schema}", stated, most_bytes)
        others = [field.name for field in file.schema_arrow if not _is_vectors(field.type)]
        batches, size, rows = [], 0, 0
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=others, use_threads=False):
            size += batch.nbytes
            refuse_too_many(name, size, most_bytes)
            batches.append(batch)
            rows += batch.num_rows
        table = pa.Table.from_batches(batches) if batches else pa.table({n: [] for n in others})
    except (MemoryError, InputError):
        raise
    except BROKEN_PARQUET as error:
        raise InputError(f"{name}: not a whole Parquet file ({_one_line(error)})") from None
    places = [f"row {number}" for number in range(1, rows + 1)]
    return places, {column: table[column] if column in others else VECTORS for column in names}


def _open_parquet(path: Path) -> pq.ParquetFile:
    # Arrow's own allocator asks for more address space than it uses.
    pa.set_memory_pool(pa.system_memory_pool())
    return pq.ParquetFile(path, buffer_size=BYTES_AT_ONCE, pre_buffer=False)


def _is_vectors(kind: pa.DataType) -> bool:
    """Whether a column holds lists of numbers."""
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return False
    inner = kind.value_type
    return types.is_integer(inner) or types.is_floating(inner) or types.is_boolean(inner)


def _pieces_of_parquet(
    path: Path, name: str, column: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    try:
        file = _open_parquet(path)
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=[column], use_threads=False):
            lists = batch.column(column)
            lengths = pc.fill_null(pc.list_value_length(lists).cast(pa.int64()), -1)
            yield lengths.to_numpy(), lists.flatten().to_numpy(zero_copy_only=False)
    except (MemoryError, InputError):
        raise
    except BROKEN_PARQUET as error:
        raise InputError(f"{name}: not a whole Parquet file ({_one_line(error)})") from None


def _read_npz(path: Path, name: str, most_bytes: int) -> tuple[list[str], dict[str, Any]]:
    arrays, lengths = {}, {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            sizes = {info.filename: info.file_size for info in archive.zip.infolist()}
            check_column_count(name, len(sizes))
            for member, size in sizes.items():
                refuse_too_many(f"{name}: {member}", size, most_bytes)
            refuse_too_many(name, sum(sizes.values()), most_bytes)
            for member in archive.files:
                shape, _, kind = _described(archive, member)
                lengths[member] = shape[0] if shape else 0
                if kind.hasobject:
                    raise InputError(
                        f"{name}: array {member} holds Python objects, which are not unpickled; "
                        "expected text or numbers (save array.astype(str), or matrices of floats)"
                    )
                if len(shape) > 1 and kind.kind not in KINDS_OF_NUMBERS:
                    raise InputError(f"{name}: array {member} holds {kind}; expected numbers")
                cells = archive[member].tolist() if len(shape) == 1 else []
                arrays[member] = VECTORS if len(shape) > 1 else cells
    except InputError:
        raise
    except BROKEN_ARCHIVE as error:
        raise InputError(
            f"{name}: not a whole NPZ file of plain arrays ({_one_line(error)})"
        ) from None
    for member, length in lengths.items():
        if length != max(lengths.values()):
            raise InputError(
                f"{name}: array {member} has {length} rows; expected {max(lengths.values())}, "
                "as others have"
            )
    return [f"row {number}" for number in range(1, max(lengths.values(), default=0) + 1)], arrays


def _described(
    archive: np.lib.npyio.NpzFile, member: str
) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether it lies in columns (Fortran's order), and type of an array."""
    with archive.zip.open(f"{member}.npy") as file:
        return _read_array_header(file)


def _read_array_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    first = np.lib.format.read_magic(file) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    return read(file)


def _pieces_of_npz(path: Path, name: str, column: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    try:
        with (
            np.load(path, allow_pickle=False) as archive,
            archive.zip.open(f"{column}.npy") as file,
        ):
            (rows, *shape), in_columns, kind = _read_array_header(file)
            if len(shape) > 1:
                raise InputError(
                    f"{name}: array {column} has {1 + len(shape)} dimensions; expected 2, rows of"
                    " numbers"
                )
            whole = archive[column] if in_columns else None
            for start in range(0, rows, ROWS_AT_ONCE):
                count = min(ROWS_AT_ONCE, rows - start)
                if whole is None:
                    numbers = np.frombuffer(file.read(count * shape[0] * kind.itemsize), kind)
                else:
                    numbers = whole[start : start + count].ravel()
                if len(numbers) != count * shape[0]:
                    raise ValueError("ends too early")
                yield np.full(count, shape[0]), numbers
    except (MemoryError, InputError):
        raise
    except BROKEN_ARCHIVE as error:
        raise InputError(
            f"{name}: not a whole NPZ file of plain arrays ({_one_line(error)})"
        ) from None


def _read_workbook(path: Path, name: str, most_bytes: int) -> tuple[list[str], dict[str, Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except BROKEN_ARCHIVE as error:
        raise InputError(f"{name}: not a whole Excel workbook ({_one_line(error)})") from None
    refuse_too_many(name, size, most_bytes)
    return read_sheet(path)


def refuse_too_many(where: str, size: int, most_bytes: int) -> None:
    """Refuse a size above the bound: the declared one before unpacking, the actual one after."""
    if size > most_bytes:
        raise InputError(
            f"{where}: unpacks to {size} bytes or more; expected at most {most_bytes} of a file "
            "of this size"
        )


def _cells_of(values: pa.ChunkedArray | list[Any]) -> Iterator[Any]:
    """Values one by one: lists would take many times their room as objects of Python's."""
    if not isinstance(values, pa.ChunkedArray):
        return iter(values)
    if types.is_nested(values.type):
        stand_in: Any = {} if types.is_struct(values.type) else []
        return (stand_in if valid else None for valid in values.is_valid().to_pylist())
    return iter(values.to_pylist())


def _encode_cells(cells: Iterator[Any], name: str, places: list[str], column: str) -> bytes:
    plain = []
    for place, cell in zip(places, cells, strict=True):
        cell = _plain_time(cell)
        if isinstance(cell, str):
            check_cell(f"{name}: {place}", column, cell)
        elif not (cell is None or isinstance(cell, bool | int | float)):
            cell = {"kind": type(cell).__name__}
        plain.append(cell)
    return json.dumps(plain).encode()


def _plain_time(cell: Any) -> Any:
    """A time of day (a spreadsheet's 0:01:23) or a date as text, a length of time in seconds."""
    if isinstance(cell, datetime.timedelta):
        return cell.total_seconds()
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        cell = cell.date()
    if isinstance(cell, datetime.time | datetime.date):
        return str(cell)
    return cell


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
