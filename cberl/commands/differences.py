"""The differences between two artifacts: their kind, origin and content."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from cberl.artifacts import read_matrix
from cberl.commands.inspect import read_any_header

MOST_NAMED = 3
DIGEST = re.compile("[0-9a-f]{64}|xxh3_128:[0-9a-f]{32}")


def list_differences(first: str | Path, second: str | Path) -> Iterator[str]:
    """Name every difference of two Parquet or two safetensors files, a line each.

    Raises:
        InputError: a file is absent, broken, or not written by cberl.
    """
    headers = [read_any_header(path) for path in (first, second)]
    for key in ("kind", "key", "metadata", "provenance"):
        yield from _compare_values(key, *(header.get(key) for header in headers))
    if headers[0]["kind"] != headers[1]["kind"]:
        return
    if "key" in headers[0]:
        yield from _compare_tables(first, second, headers[0]["key"])
    else:
        yield from _compare_tensors(first, second)


def _compare_values(name: str, first: Any, second: Any) -> Iterator[str]:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in {**first, **second}:
            yield from _compare_values(f"{name}.{key}", first.get(key), second.get(key))
    elif first != second:
        yield f"{name}: {_short(first)} | {_short(second)}"


def _short(value: Any) -> Any:
    """A value for a line; of a digest the first digits."""
    return value[:16] if isinstance(value, str) and DIGEST.fullmatch(value) else value


def _compare_tables(first: str | Path, second: str | Path, key: list[str]) -> Iterator[str]:
    schemas = [pq.read_schema(path) for path in (first, second)]
    shared = [name for name in schemas[0].names if name in schemas[1].names]
    for name in sorted(set(schemas[0].names) ^ set(schemas[1].names)):
        yield f"column {name}: only in {'A' if name in schemas[0].names else 'B'}"
    indices = [
        pd.MultiIndex.from_frame(pq.read_table(path, columns=key).to_pandas())
        for path in (first, second)
    ]
    for side, own, other in (("A", indices[0], indices[1]), ("B", indices[1], indices[0])):
        alone = own.difference(other, sort=False)
        if len(alone):
            yield f"rows: {len(alone):,} only in {side}, {_some(alone)}"
    common = indices[0].intersection(indices[1], sort=False)
    positions = [index.get_indexer(common) for index in indices]
    if not np.array_equal(positions[0], positions[1]) and len(indices[0]) == len(indices[1]):
        yield "rows: in another order"
    for name in shared:
        types = [schema.field(name).type for schema in schemas]
        if types[0] != types[1]:
            yield f"column {name}: {types[0]} | {types[1]}"
        elif name not in key:
            yield from _compare_columns(name, (first, second), positions, common)


def _compare_columns(
    name: str, paths: tuple[str | Path, str | Path], positions: list[np.ndarray], ids: pd.Index
) -> Iterator[str]:
    kind = pq.read_schema(paths[0]).field(name).type
    if str(kind).startswith("fixed_size_list"):
        values = [
            read_matrix(path, name)[rows] for path, rows in zip(paths, positions, strict=True)
        ]
        differing = _unlike(*values)
        gap = np.nanmax(np.abs(values[0] - values[1]), initial=0)
        differing = differing.any(axis=1)
    else:
        columns = [
            pq.read_table(path, columns=[name]).column(name).take(rows).to_pandas()
            for path, rows in zip(paths, positions, strict=True)
        ]
        gap = None
        if pd.api.types.is_float_dtype(columns[0]):
            gap = np.nanmax(np.abs(columns[0] - columns[1]).to_numpy(), initial=0)
        differing = _differs(*columns)
    if differing.any():
        largest = f", by {gap:.4g} at most" if gap is not None else ""
        yield (
            f"column {name}: {int(differing.sum()):,} of {len(ids):,} shared rows differ{largest}, "
            f"{_some(ids[differing])}"
        )


def _differs(first: pd.Series, second: pd.Series) -> np.ndarray:
    if first.dtype == object:  # lists and bytes
        pairs = zip(first, second, strict=True)
        return np.array([not np.array_equal(one, other) for one, other in pairs], dtype=bool)
    same = (first == second).fillna(False).to_numpy(dtype=bool)
    return ~(same | (first.isna() & second.isna()).to_numpy())


def _compare_tensors(first: str | Path, second: str | Path) -> Iterator[str]:
    from safetensors.numpy import load_file

    tensors = [load_file(path) for path in (first, second)]
    for name in {**tensors[0], **tensors[1]}:
        one, other = (side.get(name) for side in tensors)
        if one is None or other is None:
            yield f"tensor {name}: only in {'B' if one is None else 'A'}"
        elif one.shape != other.shape or one.dtype != other.dtype:
            yield f"tensor {name}: {one.dtype} {one.shape} | {other.dtype} {other.shape}"
        elif not np.array_equal(one, other, equal_nan=one.dtype.kind == "f"):
            gap = np.nanmax(np.abs(one.astype(float) - other.astype(float)))
            count = f"{int(_unlike(one, other).sum()):,} of {one.size:,} values differ"
            yield f"tensor {name}: {count}, by {gap:.4g} at most"


def _unlike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where two arrays differ; NaN is like NaN."""
    return (first != second) & ~((first != first) & (second != second))


def _some(ids: pd.Index) -> str:
    named = ["/".join(map(str, key)) for key in ids[:MOST_NAMED]]
    return f"{', '.join(named)}{', …' if len(ids) > MOST_NAMED else ''}"
