"""Kind, content and origin of an artifact, in lines for a terminal."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cberl.commands.inspect import read_any_header

COUNTED = ("split", "label", "predicted", "modality", "available", "reason", "removed", "quantity")
"""Columns whose values are counted, where a table has them."""

LONGEST = 48
BATCH = 4096


def describe_file(path: str | Path, rows: int = 3) -> Iterator[str]:
    """Describe a Parquet or safetensors file, line by line, in bounded memory.

    Args:
        rows: first rows of a table to show.

    Raises:
        InputError: the file is absent, broken, or not written by cberl.
    """
    header = read_any_header(path)
    yield f"{path}: {header['kind']}, {Path(path).stat().st_size:,} bytes"
    if "description" in header:
        yield header["description"]
    yield from _describe_table(path, header) if "key" in header else _describe_tensors(path)
    yield from _describe_metadata(header["metadata"])
    yield from describe_provenance(header["provenance"])
    if "key" in header and rows > 0:
        yield from _first_rows(path, rows)


def describe_provenance(provenance: Mapping[str, Any]) -> Iterator[str]:
    """Rule, seed, code, settings and inputs of an artifact."""
    yield ""
    yield "made by"
    wildcards = " ".join(f"{k}={v}" for k, v in (provenance.get("wildcards") or {}).items())
    yield f"  rule       {provenance.get('rule')}  {wildcards}".rstrip()
    for title, key in (
        ("seed", "seed"),
        ("device", "device"),
        ("version", "cberl_version"),
        ("commit", "git_commit"),
        ("code", "code_digest"),
        ("config", "settings_digest"),
    ):
        yield f"  {title:<10} {_or_dash(provenance.get(key))}"
    for key in ("settings", "params"):
        if provenance.get(key):
            yield f"  {key:<10} {json.dumps(provenance[key], ensure_ascii=False)}"
    libraries = provenance.get("libraries") or {}
    if libraries:
        yield "  libraries  " + ", ".join(
            f"{name} {version}" for name, version in libraries.items()
        )
    inputs = provenance.get("inputs") or {}
    yield f"  inputs     {len(inputs)}"
    for name, digest in inputs.items():
        yield f"    {name}  {(digest or 'a folder')[:16]}"


def _describe_table(path: str | Path, header: Mapping[str, Any]) -> Iterator[str]:
    file = pq.ParquetFile(path)
    count = file.metadata.num_rows
    yield f"{count:,} rows, {len(file.schema_arrow)} columns, key: {', '.join(header['key'])}"
    missing, counts = _scan(file)
    yield ""
    yield "columns"
    width = max(len(name) for name in file.schema_arrow.names)
    for field in file.schema_arrow:
        absent = f"  {missing[field.name]:,} missing" if missing[field.name] else ""
        described = (field.metadata or {}).get(b"description", b"").decode()
        yield f"  {field.name:<{width}}  {_type_name(field.type, count):<18}{absent}  {described}"
    for name, values in counts.items():
        shown = ", ".join(
            f"{_or_dash(value)} {number:,}" for value, number in values.most_common(20)
        )
        more = f", and {len(values) - 20} more" if len(values) > 20 else ""
        yield f"  {name}: {shown}{more}"


def _scan(file: pq.ParquetFile) -> tuple[Counter, dict[str, Counter]]:
    """Missing values per column, and how often each value of the counted columns occurs."""
    missing: Counter = Counter()
    counts: dict[str, Counter] = {
        name: Counter() for name in COUNTED if name in file.schema_arrow.names
    }
    for batch in file.iter_batches(batch_size=BATCH):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            missing[name] += column.null_count
            if name in counts:
                for value in column.value_counts().to_pylist():
                    counts[name][value["values"]] += value["counts"]
    return missing, counts


def _describe_tensors(path: str | Path) -> Iterator[str]:
    from safetensors.numpy import load_file

    tensors = load_file(path)
    total = sum(tensor.size for tensor in tensors.values())
    yield f"{len(tensors)} tensors, {total:,} values"
    yield ""
    yield "tensors"
    width = max((len(name) for name in tensors), default=0)
    for name, tensor in tensors.items():
        shape = "x".join(map(str, tensor.shape)) or "scalar"
        yield f"  {name:<{width}}  {tensor.dtype.name} {shape:<14}{_range(tensor)}"


def _range(tensor: np.ndarray) -> str:
    if not tensor.size:
        return ""
    broken = 0
    if np.issubdtype(tensor.dtype, np.floating):
        finite = tensor[np.isfinite(tensor)]
        broken = tensor.size - finite.size
        tensor = finite
    ends = f"  {tensor.min():.4g} to {tensor.max():.4g}" if tensor.size else ""
    return ends + (f"  {broken:,} not finite" if broken else "")


def _describe_metadata(metadata: Mapping[str, Any]) -> Iterator[str]:
    if metadata:
        yield ""
        yield "metadata"
        for key, value in metadata.items():
            yield f"  {key}: {json.dumps(value, ensure_ascii=False)}"


def _first_rows(path: str | Path, rows: int) -> Iterator[str]:
    batch = next(pq.ParquetFile(path).iter_batches(batch_size=rows), None)
    if batch is None or not batch.num_rows:
        return
    yield ""
    yield f"first {batch.num_rows} rows" if batch.num_rows > 1 else "first row"
    width = max(len(name) for name in batch.schema.names)
    for number in range(batch.num_rows):
        if number:
            yield ""
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            yield f"  {name:<{width}}  {_short(column[number].as_py())}"


def _type_name(kind: pa.DataType, rows: int) -> str:
    if pa.types.is_fixed_size_list(kind):
        return f"{kind.value_type} [{rows}, {kind.list_size}]"
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind)


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, list):
        shown = ", ".join(_short(item) for item in value[:4])
        return f"[{shown}{', …' if len(value) > 4 else ''}]"
    if isinstance(value, float):
        return f"{value:.5g}"
    text = _or_dash(value).replace("\n", " ")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _or_dash(value: Any) -> str:
    return "–" if value is None else str(value)
