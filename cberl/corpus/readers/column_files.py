"""Conversations in one file with named columns: TSV, CSV, JSON Lines, Parquet or NPZ.

Whatever the format, a cell comes out as text, or as None where it is empty.
"""

import difflib
import json
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cberl.corpus.readers.text_files import read_delimited, read_text
from cberl.errors import InputError

DELIMITERS = {".tsv": "\t", ".csv": ","}
TABLE_SUFFIXES = (".tsv", ".csv", ".jsonl", ".parquet")
MOST_NUMBERS = 1 << 30
"""Values in one column or array; more is a broken file, or one that unpacks to fill the memory."""
LARGEST_NUMBER = 8
"""Bytes of the widest number that an array is expected to hold."""


@dataclass(frozen=True)
class ColumnFile:
    """Columns of equal length.

    Attributes:
        path: the file.
        places: per row, where it stands ("line 7", "row 3").
        cells: column -> text or None per row; columns that the file lacks are not in it.
        vectors: column -> list per row, each a sequence of numbers or None.
    """

    path: Path
    places: list[str]
    cells: dict[str, list[str | None]]
    vectors: dict[str, Sequence[Any]]

    def cell(self, column: str) -> list[str | None]:
        """A column, all None if the file lacks it."""
        return self.cells.get(column) or [None] * len(self.places)


def read_column_file(
    path: Path, required: Sequence[str], optional: Sequence[str], vectors: Sequence[str] = ()
) -> ColumnFile:
    """Read the columns that are known; others are left out and logged.

    Args:
        required: columns that must be there.
        optional: columns that may be there.
        vectors: columns of numbers, a list per row (Parquet) or a matrix (NPZ).

    Raises:
        InputError: another format, a missing column, a mistyped column, an unreadable cell.
    """
    readers = {".jsonl": _read_json_lines, ".parquet": _read_parquet, ".npz": _read_npz}
    suffix = path.suffix.lower()
    if suffix in DELIMITERS:
        places, values = _read_delimited(path, DELIMITERS[suffix], required)
    elif suffix in readers:
        places, values = readers[suffix](path)
    else:
        raise InputError(f"{path}: ends in {path.suffix!r}; expected {', '.join(TABLE_SUFFIXES)}")
    if not places:
        raise InputError(f"{path}: has no rows; expected at least one")
    _check_columns(path, list(values), required, [*optional, *vectors])
    cells = {
        name: [
            _as_text(value, path, place, name)
            for value, place in zip(values[name], places, strict=True)
        ]
        for name in (*required, *optional)
        if name in values
    }
    return ColumnFile(
        path, places, cells, {name: values[name] for name in vectors if name in values}
    )


def _check_columns(
    path: Path, found: list[str], required: Sequence[str], optional: Sequence[str]
) -> None:
    for name in required:
        if name not in found:
            raise InputError(f"{path}: has no column {name}; found {', '.join(found)}")
    absent = [name for name in optional if name not in found]
    unknown = [name for name in found if name not in (*required, *optional)]
    for name in unknown:
        close = difflib.get_close_matches(name.lower(), absent, n=1, cutoff=0.75)
        if close:
            raise InputError(f"{path}: column {name} is unknown; did you mean {close[0]}?")
    if unknown:
        logging.warning("%s: not read: column %s", path, ", ".join(unknown))


def _read_delimited(
    path: Path, delimiter: str, required: Sequence[str]
) -> tuple[list[str], dict[str, list]]:
    places: list[str] = []
    values: dict[str, list] = {}
    for line, row in read_delimited(path, delimiter, required):
        places.append(f"line {line}")
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    return places, values


def _read_json_lines(path: Path) -> tuple[list[str], dict[str, list]]:
    places: list[str] = []
    values: dict[str, list] = {}
    for place, row in _json_objects(path):
        for name, value in row.items():
            # A key may appear late: the rows before it have nothing there.
            column = values.setdefault(name, [])
            column += [None] * (len(places) - len(column)) + [value]
        places.append(place)
    for column in values.values():
        column += [None] * (len(places) - len(column))
    return places, values


def _json_objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise InputError(f"{path}: line {number}: {error}; expected a JSON object") from None
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number}: is no JSON object; expected {{...}}")
        yield f"line {number}", row


def _read_parquet(path: Path) -> tuple[list[str], dict[str, list]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            for number in range(file.metadata.num_columns):
                column = file.metadata.row_group(group).column(number)
                _refuse_too_many(path, column.path_in_schema, column.num_values)
        table = file.read()
        values = {
            name: _arrow_values(column)
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: not a whole Parquet file ({_one_line(error)})") from None
    return [f"row {number}" for number in range(1, table.num_rows + 1)], values


def _arrow_values(column: Any) -> list[Any]:
    """A column's values; lists as arrays, as Python objects they would take ten times as much."""
    from pyarrow import types

    kind = column.type
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return column.to_pylist()
    return [
        scalar.values.to_numpy(zero_copy_only=False) if scalar.is_valid else None
        for chunk in column.chunks
        for scalar in chunk
    ]


def _read_npz(path: Path) -> tuple[list[str], dict[str, list]]:
    import zipfile
    import zlib

    # What zipfile and NumPy raise for archives that are broken, encrypted or too large.
    broken = (OSError, ValueError, RuntimeError, EOFError, KeyError, MemoryError)
    broken += (zipfile.BadZipFile, zlib.error)
    values = {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            for info in archive.zip.infolist():
                _refuse_too_many(path, info.filename, info.file_size // LARGEST_NUMBER)
            for name in archive.files:
                array = archive[name]
                values[name] = array if array.ndim > 1 else array.tolist()
    except broken as error:
        raise InputError(
            f"{path}: not a whole NPZ file of plain arrays ({_one_line(error)})"
        ) from None
    lengths = {name: len(value) if np.ndim(value) else -1 for name, value in values.items()}
    for name, length in lengths.items():
        if length != max(lengths.values()):
            raise InputError(
                f"{path}: array {name} has {length} rows; expected {max(lengths.values())}, "
                "as others have"
            )
    return [f"row {number}" for number in range(1, max(lengths.values(), default=0) + 1)], values


def _refuse_too_many(path: Path, name: str, values: int) -> None:
    """Refuse what a file says it unpacks to, before it does."""
    if values > MOST_NUMBERS:
        raise InputError(f"{path}: {name} holds {values} values; expected at most {MOST_NUMBERS}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _as_text(value: Any, path: Path, place: str, column: str) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise InputError(
        f"{path}: {place}, column {column}: holds a {type(value).__name__}; "
        "expected text or a number"
    )
