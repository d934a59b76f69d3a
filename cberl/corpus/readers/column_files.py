"""Conversations in one file with named columns: TSV, CSV, JSON Lines, Excel, Parquet or NPZ.

In every format a cell is read as text, or as None where it is empty.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cberl.corpus.blank_text import is_blank
from cberl.corpus.foreign_files import refuse_foreign
from cberl.corpus.readers.bounds import check_cell, check_column_count
from cberl.corpus.readers.column_names import map_columns, refuse_by_content
from cberl.corpus.readers.packed_columns import kind_of, read_packed_columns
from cberl.corpus.readers.text_files import (
    AUTO,
    CONFIGURED,
    DELIMITERS,
    drop_empty_unnamed,
    find_delimiter,
    read_delimited,
    read_text,
    separator_hint,
    written_setting,
)
from cberl.errors import InputError

PACKED = (".parquet", ".npz", ".xlsx")
TABLE_SUFFIXES = (".tsv", ".csv", ".jsonl", ".xlsx", ".parquet")


def is_table(path: str | Path | None) -> bool:
    """Whether it is a table of conversations by its name."""
    return path is not None and Path(path).suffix.lower() in TABLE_SUFFIXES


@dataclass(frozen=True)
class ColumnFile:
    """Columns of equal length.

    Attributes:
        path: the file.
        places: per row, where it stands ("line 7", "row 3").
        cells: column -> text or None per row; columns that the file lacks are not in it.
        vectors: column -> list per row, each a sequence of numbers or None.
        unread: the file's other columns.
    """

    path: Path
    places: list[str]
    cells: dict[str, list[str | None]]
    vectors: dict[str, Sequence[Any]]
    unread: list[str]

    @property
    def notices(self) -> list[str]:
        """What of the file is not read, for its owner: at most one line."""
        if not self.unread:
            return []
        return [f"{self.path.name}: not read: column {', '.join(self.unread)}"]

    def cell(self, column: str) -> list[str | None]:
        """A column, all None if the file lacks it."""
        return self.cells.get(column) or [None] * len(self.places)


def read_column_file(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str],
    vectors: Sequence[str] = (),
    *,
    mapping: Mapping[str, str | None] | None = None,
    encoding: str = AUTO,
    missed: Sequence[str] | None = None,
    place: str = CONFIGURED,
) -> ColumnFile:
    """Read the columns that are known; others are left out and named in ``unread``.

    Args:
        required: columns that must be there.
        optional: columns that may be there.
        vectors: columns of numbers, a list per row (Parquet) or a matrix (NPZ).
        mapping: column of the file -> its name here, or None to leave it out.
        encoding: of a text file; see `cberl.corpus.readers.text_files.read_text`.
        missed: columns that, if they are absent, must not be there by another name; all if None.
        place: where mapping and encoding are set, for messages; see
            `cberl.corpus.readers.text_files.written_setting`.

    Raises:
        InputError: another format, a missing column, one that is called otherwise, an unreadable
            cell.
    """
    places, values = read_raw_columns(path, encoding, place)
    known = [*required, *optional, *vectors]
    mapping = mapping or {}
    missed = known if missed is None else missed
    columns = map_columns(path, list(values), known, mapping, missed, place)
    absent = [name for name in required if name not in columns]
    if absent:
        hint = separator_hint(list(values), DELIMITERS.get(path.suffix.lower(), ""))
        theirs = "{" + ", ".join(f"ITS NAME: {name}" for name in absent) + "}"
        written = written_setting(place, "columns", theirs)
        otherwise = f"; expected such a column, or if it has another name {written}"
        raise InputError(
            f"{path}: has no column {', '.join(absent)}; found {', '.join(values)}"
            f"{hint or otherwise}"
        )
    cells = {
        name: [
            cell_text(value, path, place, columns[name])
            for value, place in zip(values[columns[name]], places, strict=True)
        ]
        for name in (*required, *optional)
        if name in columns
    }
    read = {*columns.values(), *mapping}
    unread = [name for name in values if name not in read]
    refuse_by_content(path, {name: values[name] for name in unread}, columns, missed, place)
    return ColumnFile(
        path,
        places,
        cells,
        {name: values[columns[name]] for name in vectors if name in columns},
        unread,
    )


def read_raw_columns(
    path: Path, encoding: str = AUTO, place: str = CONFIGURED
) -> tuple[list[str], dict[str, Any]]:
    """Read all columns of a file as they are.

    Returns:
        per row, where it stands; column -> value per row.

    Raises:
        InputError: another format, a file that is broken, no rows.
    """
    refuse_foreign(path)
    suffix = path.suffix.lower()
    if suffix in DELIMITERS:
        text = read_text(path, encoding, place)
        places, values = _read_delimited(path, find_delimiter(text, suffix), text)
    elif suffix == ".jsonl":
        places, values = _read_json_lines(path, read_text(path, encoding, place))
    elif suffix in PACKED:
        places, values = read_packed_columns(path)
    else:
        raise InputError(f"{path}: ends in {path.suffix!r}; expected {', '.join(TABLE_SUFFIXES)}")
    if not places:
        raise InputError(f"{path}: has no rows; expected at least one")
    return places, values


def _read_delimited(path: Path, delimiter: str, text: str) -> tuple[list[str], dict[str, list]]:
    places: list[str] = []
    values: dict[str, list] = {}
    for line, row in read_delimited(text, path, delimiter):
        places.append(f"line {line}")
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    return places, drop_empty_unnamed(values)


def _read_json_lines(path: Path, text: str) -> tuple[list[str], dict[str, list]]:
    places: list[str] = []
    values: dict[str, list] = {}
    for place, row in _json_objects(path, text):
        check_column_count(path, len(values.keys() | row.keys()))
        for name, value in row.items():
            if isinstance(value, str):
                check_cell(f"{path}: {place}", name, value)
            # A key may first appear in a later row: earlier rows are empty there.
            column = values.setdefault(name, [])
            column += [None] * (len(places) - len(column)) + [value]
        places.append(place)
    for column in values.values():
        column += [None] * (len(places) - len(column))
    return places, values


def _json_objects(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_named_once)
        except (ValueError, RecursionError) as error:  # also of numbers too long to read
            raise InputError(f"{path}: line {number}: {error}; expected a JSON object") from None
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number}: is no JSON object; expected {{...}}")
        yield f"line {number}", row


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names differ: of two alike Python would silently take the last.

    Raises:
        ValueError: they do not.
    """
    row = dict(pairs)
    if len(row) < len(pairs):
        name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"{name!r} appears twice")
    return row


def cell_text(value: Any, path: Path, place: str, column: str) -> str | None:
    """A cell as text without blanks around it, or None where nothing in it can be seen.

    Truth values are text too, as classes of some corpora are called true and false.

    Raises:
        InputError: it is neither text nor a number nor a truth value.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return None if is_blank(value) else value.strip()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    raise InputError(
        f"{path}: {place}, column {column}: holds a {kind_of(value)}; expected text or a number"
    )
