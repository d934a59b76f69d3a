"""Parquet tables of declared kinds, and the vectors in them."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cberl.artifacts.header import HEADER_KEY, encode_header
from cberl.digests import DIGEST_KEY, NO_DIGEST, check_digest, put_digest
from cberl.errors import InputError
from cberl.tables import VECTOR, Column, TableKind
from cberl.whole_files import whole_file

ROWS_AT_ONCE = 1024
"""Rows of vectors read at once beside those already in place, and of a row group that has any:
what is read of a file piece by piece takes no more memory than that."""
_NUMBERS_OF_VECTORS = ".list.element"
"""What follows a column's name where Parquet names the numbers in its lists."""


class TableWriter:
    """Appends rows to a table of one kind; made by `open_table`."""

    def __init__(self, path: Path, temporary: Path, kind: TableKind, header: bytes) -> None:
        self._path, self._temporary, self._kind, self._header = path, temporary, kind, header
        self._writer: pq.ParquetWriter | None = None
        self._seen: set[tuple] = set()

    def write(self, frame: pd.DataFrame, matrices: Mapping[str, np.ndarray] | None = None) -> None:
        """Append rows.

        Args:
            frame: all columns but the vectors; order and types are set by the table's kind.
            matrices: vector column name -> float array [rows, width]; a row of NaN is absent.

        Raises:
            InputError: a column is missing or unknown, a key repeats, a value is null or not
                finite where it must not be.
        """
        table = _to_arrow(self._path, self._kind, frame, matrices or {})
        self._check_keys(frame)
        if self._writer is None:
            schema = table.schema.with_metadata({HEADER_KEY: self._header})
            vectors = self._kind.vectors
            self._writer = pq.ParquetWriter(
                self._temporary,
                schema,
                compression="zstd",
                # Numbers of vectors hardly repeat, but their first bytes, put together, do.
                use_dictionary=[name for name in schema.names if name not in vectors],
                use_byte_stream_split=[f"{name}{_NUMBERS_OF_VECTORS}" for name in vectors],
            )
        rows_at_once = ROWS_AT_ONCE if self._kind.vectors else None
        self._writer.write_table(table.cast(self._writer.schema), rows_at_once)

    def close(self) -> None:
        """End the file, if anything was written to it."""
        if self._writer is not None:
            self._writer.add_key_value_metadata({DIGEST_KEY: NO_DIGEST})
            self._writer.close()

    def _check_keys(self, frame: pd.DataFrame) -> None:
        keys = list(frame[list(self._kind.key)].itertuples(index=False, name=None))
        seen_before = self._seen.intersection(keys)
        self._seen.update(keys)
        if seen_before or len(set(keys)) < len(keys):
            twice = next(iter(seen_before)) if seen_before else _first_repeated(keys)
            raise InputError(f"{self._path}: key {'/'.join(map(str, twice))} appears twice")


@contextmanager
def open_table(
    path: str | Path,
    kind: TableKind,
    provenance: Mapping[str, Any],
    metadata: Mapping[str, Any] | None = None,
) -> Iterator[TableWriter]:
    """Open a table of one kind to be written piece by piece, so that memory stays bounded.

    The file appears when the block ends without an error. ``metadata`` are facts that belong to
    the whole table (the list of classes, say).
    """
    header = {
        "kind": kind.name,
        "description": kind.description,
        "key": list(kind.key),
        "metadata": dict(metadata or {}),
        "provenance": dict(provenance),
    }
    with whole_file(path) as temporary:
        encoded = encode_header(header).encode()
        writer = TableWriter(Path(path), temporary, kind, encoded)
        try:
            yield writer
        finally:
            writer.close()
        if temporary.stat().st_size:
            put_digest(temporary)


def write_table(
    path: str | Path,
    kind: TableKind,
    frame: pd.DataFrame,
    provenance: Mapping[str, Any],
    matrices: Mapping[str, np.ndarray] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a whole table at once; see `TableWriter.write` for the arguments and errors."""
    with open_table(path, kind, provenance, metadata) as writer:
        writer.write(frame, matrices)


def read_table(
    path: str | Path, kind: TableKind, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a table without its vector columns.

    Raises:
        InputError: the file is absent, broken, of another kind, or lacks a column.
    """
    _check_kind(path, kind)
    names = [name for name in pq.read_schema(path).names if name not in kind.vectors]
    if columns is not None:
        missing = [name for name in columns if name not in names]
        if missing:
            raise InputError(f"{path}: has no column {missing[0]}")
        names = list(columns)
    return pq.ParquetFile(path).read(columns=names).to_pandas()


def read_batches(
    path: str | Path, kind: TableKind, rows: int, columns: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """Read columns of a table in batches of at most ``rows`` rows, to bound memory.

    Raises:
        InputError: the file is absent, broken, or of another kind.
    """
    _check_kind(path, kind)
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=rows, columns=columns):
            yield batch.to_pandas()


def read_matrix(path: str | Path, column: str) -> np.ndarray:
    """Read a vector column as float32 [rows, width]; absent rows are NaN.

    Raises:
        InputError: the file is absent or broken.
    """
    check_digest(path)
    with pq.ParquetFile(path) as file:
        width = file.schema_arrow.field(column).type.list_size
        matrix = np.full((file.metadata.num_rows, width), np.nan, dtype=np.float32)
        filled = 0
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=[column]):
            present, vectors = _present_vectors(batch.column(0), width)
            matrix[filled : filled + len(batch)][present] = vectors
            filled += len(batch)
    return matrix


def take_vectors(path: str | Path, column: str, positions: np.ndarray) -> np.ndarray:
    """Read some rows of a vector column: float32 [len(positions), width]; absent rows are NaN.

    Only the row groups that hold any of them are read, one after the other.

    Args:
        positions: rows of the file, int64, in any order.

    Raises:
        InputError: the file is absent or broken.
    """
    check_digest(path)
    order = np.argsort(positions, kind="stable")
    rising = np.asarray(positions)[order]
    with pq.ParquetFile(path) as file:
        width = file.schema_arrow.field(column).type.list_size
        taken = np.full((len(positions), width), np.nan, dtype=np.float32)
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            low, high = np.searchsorted(rising, [start, end])
            if low < high:
                lists = file.read_row_group(group, columns=[column]).column(0).combine_chunks()
                lists = lists.take(pa.array(rising[low:high] - start))
                present, vectors = _present_vectors(lists, width)
                taken[order[low:high][present]] = vectors
            start = end
    return taken


def vector_width(path: str | Path, column: str) -> int:
    """Numbers in each vector of a column, from the file's footer alone."""
    return pq.read_schema(path).field(column).type.list_size


def unpacked_bytes(path: str | Path) -> int:
    """Bytes of a table's file, with its vectors at their size in memory: what a job needs follows
    from that, not from how well they pack. For a file that is no whole table, its own bytes."""
    try:
        footer = pq.read_metadata(path)
    except pa.ArrowException:
        return os.path.getsize(path)
    columns = (
        footer.row_group(group).column(number)
        for group in range(footer.num_row_groups)
        for number in range(footer.num_columns)
    )
    packed_away = (
        column.total_uncompressed_size - column.total_compressed_size
        for column in columns
        if column.path_in_schema.endswith(_NUMBERS_OF_VECTORS)
    )
    return os.path.getsize(path) + sum(packed_away)


def read_header(path: str | Path) -> dict[str, Any]:
    """Read the header of a table: kind, description, key, metadata, provenance.

    Raises:
        InputError: the file is absent, broken, or was not written by this package.
    """
    check_digest(path)
    return json.loads(pq.read_schema(path).metadata[HEADER_KEY.encode()])


def row_positions(ids: Sequence[str], wanted: Sequence[str], source: str | Path) -> np.ndarray:
    """Find each wanted id among ``ids``: int64 [len(wanted)].

    Raises:
        InputError: an id is wanted that ``source`` does not have.
    """
    positions = pd.Index(ids).get_indexer(pd.Index(wanted))
    if (positions < 0).any():
        absent = list(wanted)[int(np.argmin(positions))]
        raise InputError(f"{source}: has no row {absent}, which another table names")
    return positions


def _check_kind(path: str | Path, kind: TableKind) -> None:
    found = read_header(path)["kind"]
    if found != kind.name:
        raise InputError(f"{path}: is a table of {found}, expected one of {kind.name}")


def _to_arrow(
    path: Path, kind: TableKind, frame: pd.DataFrame, matrices: Mapping[str, np.ndarray]
) -> pa.Table:
    given = {*frame.columns, *matrices}
    unknown = given.difference(kind.names)
    if unknown:
        raise InputError(f"{path}: {kind.name} has no column {sorted(unknown)[0]}")
    fields, arrays = [], []
    for column in kind.columns:
        if column.name not in given:
            if column.optional:
                continue
            raise InputError(f"{path}: column {column.name} of {kind.name} is missing")
        if column.dtype == VECTOR:
            array = _vectors_to_arrow(path, column, matrices[column.name], frame, kind)
        else:
            array = pa.array(frame[column.name], type=column.dtype, from_pandas=True)
        if array.null_count and not column.nullable:
            row = _key_of(frame, kind, int(np.argmax(array.is_null().to_numpy(False))))
            raise InputError(f"{path}: row {row} has no {column.name}")
        description = {"description": column.description}
        fields.append(pa.field(column.name, array.type, column.nullable, description))
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _vectors_to_arrow(
    path: Path, column: Column, matrix: np.ndarray, frame: pd.DataFrame, kind: TableKind
) -> pa.Array:
    matrix = np.ascontiguousarray(matrix, dtype=np.float32)
    if matrix.ndim != 2 or len(matrix) != len(frame):
        raise InputError(f"{path}: {column.name} has shape {matrix.shape}, {len(frame)} rows")
    absent = np.isnan(matrix).all(axis=1) if matrix.shape[1] else np.zeros(len(matrix), bool)
    broken = ~np.isfinite(matrix).all(axis=1) & ~absent
    if broken.any():
        row = _key_of(frame, kind, int(np.argmax(broken)))
        raise InputError(f"{path}: row {row} has NaN or infinite values in {column.name}")
    return pa.FixedSizeListArray.from_arrays(
        pa.array(matrix.reshape(-1)), matrix.shape[1], mask=pa.array(absent)
    )


def _present_vectors(lists: pa.FixedSizeListArray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of n lists are not null: bool [n]; and their numbers: float32 [present, width]."""
    present = lists.is_valid().to_numpy(zero_copy_only=False)
    return present, lists.drop_null().flatten().to_numpy().reshape(-1, width)


def _key_of(frame: pd.DataFrame, kind: TableKind, position: int) -> str:
    return "/".join(str(frame[name].iloc[position]) for name in kind.key)


def _first_repeated(keys: list[tuple]) -> tuple:
    seen: set[tuple] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    raise ValueError("no key repeats")
