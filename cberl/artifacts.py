"""The only reader and writer of intermediates: Parquet tables, safetensors files and pages.

A file appears whole or not at all: it is written under a temporary name, synced and renamed.
Each carries what it is and where it came from: in Parquet under the schema metadata key
``cberl`` (JSON), in safetensors in the header. Each also carries a digest of its content, and no
file is read without this check (`cberl.digests`).
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cberl.digests import DIGEST_KEY, NO_DIGEST, check_digest, put_digest, read_checked
from cberl.errors import InputError
from cberl.tables import VECTOR, Column, TableKind
from cberl.tensor_views import DTYPES, view_tensors
from cberl.whole_files import whole_file

METADATA_KEY = b"cberl"
ROWS_AT_ONCE = 1024
"""Rows of vectors read at once beside those already in place, and of a row group that has any:
what is read of a file piece by piece takes no more memory than that."""
_NUMBERS_OF_VECTORS = ".list.element"
"""What follows a column's name where Parquet names the numbers in its lists."""


def write_text(path: str | Path, text: str) -> None:
    """Write a text, UTF-8, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_page(path: str | Path, text: str) -> None:
    """Write an HTML or Markdown page or a plain text with a digest of it as a last line."""
    line = f"{DIGEST_KEY}: {NO_DIGEST}"
    with whole_file(path) as temporary:
        last = line if Path(path).suffix == ".txt" else f"<!-- {line} -->"
        temporary.write_text(f"{text.rstrip()}\n{last}\n", encoding="utf-8")
        put_digest(temporary)


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
            schema = table.schema.with_metadata({METADATA_KEY: self._header})
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
        encoded = _encode_header(header).encode()
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


def read_matrix(path: str | Path, column: str, where: str | None = None) -> np.ndarray:
    """Read a vector column as float32 [rows, width]; absent rows are NaN.

    Args:
        where: a column of flags; only the rows in which it is true are read. Of a column that is
            mostly absent this spares the memory that its null rows would take.

    Raises:
        InputError: the file is absent or broken.
    """
    check_digest(path)
    with pq.ParquetFile(path) as file:
        width = file.schema_arrow.field(column).type.list_size
        kept = None if where is None else file.read(columns=[where]).column(where).to_numpy()
        rows = file.metadata.num_rows if kept is None else int(kept.sum())
        matrix = np.full((rows, width), np.nan, dtype=np.float32)
        read = filled = 0
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=[column]):
            lists = batch.column(0)
            if kept is not None:
                lists = lists.filter(pa.array(kept[read : read + len(lists)]))
            present = lists.is_valid().to_numpy(zero_copy_only=False)
            vectors = lists.drop_null().flatten().to_numpy().reshape(-1, width)
            matrix[filled : filled + len(lists)][present] = vectors
            read, filled = read + len(batch), filled + len(lists)
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
                present = lists.is_valid().to_numpy(zero_copy_only=False)
                vectors = lists.drop_null().flatten().to_numpy().reshape(-1, width)
                taken[order[low:high][present]] = vectors
            start = end
    return taken


def vector_width(path: str | Path, column: str) -> int:
    """Numbers in each vector of a column."""
    return pq.read_schema(path).field(column).type.list_size


def unpacked_bytes(path: str | Path) -> int:
    """Bytes of a table's file, its vectors counted as long as they are in memory.

    What a job takes follows them, and not how well they pack. Of a file that is no whole table, its
    bytes.
    """
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
    return json.loads(pq.read_schema(path).metadata[METADATA_KEY])


def write_tensors(
    path: str | Path,
    kind: str,
    tensors: Mapping[str, Any],
    provenance: Mapping[str, Any],
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write named tensors (torch or NumPy) as safetensors, with ``metadata`` in the header.

    Args:
        kind: what the file is, in a word or two ("gan", "vae", "scaler").
        metadata: whatever is needed to use the tensors (settings, class list), JSON-able.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(_to_numpy(value)) for name, value in tensors.items()}
    header = {
        DIGEST_KEY: NO_DIGEST,
        "kind": kind,
        "metadata": dict(metadata or {}),
        "provenance": dict(provenance),
    }
    # One key only: safetensors writes several in an order that changes from run to run.
    encoded = {METADATA_KEY.decode(): _encode_header(header)}
    with whole_file(path) as temporary:
        try:
            save_file(arrays, temporary, metadata=encoded)
        except SafetensorError as error:
            raise _as_os_error(error) from None
        # safetensors keeps its files to their owner; these are as readable as the tables.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        put_digest(temporary)


def read_tensors(path: str | Path, kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read tensors and their metadata (see `write_tensors`).

    The tensors are views of one array, which is the whole file.

    Raises:
        InputError: the file is absent, broken, of another kind, or holds types that NumPy lacks.
    """
    content = read_checked(path)
    header = read_tensor_header(path)
    if header["kind"] != kind:
        raise InputError(f"{path}: holds tensors of {header['kind']}, expected {kind}")
    try:
        return view_tensors(content), header["metadata"]
    except KeyError as error:
        raise InputError(
            f"{path}: holds tensors of type {error}; expected one of {', '.join(DTYPES)}"
        ) from None


def read_tensor_header(path: str | Path) -> dict[str, Any]:
    """Read the header of a safetensors file: kind, metadata, provenance.

    Raises:
        InputError: the file is absent, broken, or was not written by this package.
    """
    from safetensors import SafetensorError, safe_open

    check_digest(path)
    try:
        with safe_open(path, framework="numpy") as handle:
            header = json.loads(handle.metadata()[METADATA_KEY.decode()])
        known = {"kind", "metadata"} <= header.keys()
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        known = False
    if not known:
        raise InputError(f"{path}: was not written by this package; expected one of its models")
    return header


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


def _encode_header(header: Mapping[str, Any]) -> str:
    """As JSON, with a fact that is a number of NumPy as a plain one."""
    return json.dumps(header, sort_keys=True, default=lambda fact: fact.item())


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


def _key_of(frame: pd.DataFrame, kind: TableKind, position: int) -> str:
    return "/".join(str(frame[name].iloc[position]) for name in kind.key)


def _first_repeated(keys: list[tuple]) -> tuple:
    seen: set[tuple] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    raise ValueError("no key repeats")


def _as_os_error(error: Exception) -> Exception:
    """The system's error that safetensors reports in words, if it does."""
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else error


def _to_numpy(value: Any) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else value.detach().cpu().numpy()
