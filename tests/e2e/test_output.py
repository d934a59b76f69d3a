"""docs/output.md against a real run, and the run's files without this package."""

import json
import re

import duckdb
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from cberl.commands.file_overview import describe_file
from cberl.commands.inspect import read_any_header
from cberl.commands.lineage import trace_file
from cberl.configuration import PROJECT
from cberl.output_reference import list_kinds

PLACEHOLDERS = {"split": "(train|dev|test)", "trained": ".+", "seed": r"\d+"}


def documented_files():
    """Rows of the page's table of files: pattern, kind, rules, whether always there."""
    page = (PROJECT / "docs/output.md").read_text(encoding="utf-8")
    table = page.split("## Every file")[1].split("## Tensor files")[0]
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and "`" in cells[0]:
            kind = re.sub(r"tensors `(\w+)`|\[(\w+)\]\(.*\)", r"\1\2", cells[1])
            rules = re.findall(r"`([^`]+)`", cells[2])
            yield cells[0].strip("[]`"), kind, rules, not cells[0].startswith("[")


def as_regex(pattern):
    parts = re.split(r"\{(\w+)\}", pattern)
    return "".join(
        PLACEHOLDERS.get(part, "[^/]+") if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    )


@pytest.fixture(scope="module")
def results(finished_run):
    return finished_run.folder / "results/six"


@pytest.fixture(scope="module")
def files(results):
    """All of the run's files but logs and benchmarks, by their path in results/{corpus}."""
    paths = {str(path.relative_to(results)): path for path in results.rglob("*") if path.is_file()}
    return {
        name: path for name, path in paths.items() if not name.startswith(("logs/", "benchmarks/"))
    }


def test_every_file_of_the_run_is_documented_once_with_its_kind_and_rule(files):
    rows = list(documented_files())
    for name, path in files.items():
        matching = [row for row in rows if re.fullmatch(as_regex(row[0]), name)]
        assert len(matching) == 1, f"{name}: described by {len(matching)} rows of docs/output.md"
        _, kind, rules, _ = matching[0]
        if path.suffix in {".parquet", ".safetensors"}:
            header = read_any_header(path)
            assert header["kind"] == kind, name
            made_by = header["provenance"]["rule"]
            assert any(re.fullmatch(as_regex(rule), made_by) for rule in rules), (name, made_by)
        else:
            assert kind in {"page", "events", "manifest"}, name


def test_every_documented_file_appears(files):
    for pattern, _, _, always in documented_files():
        if always:
            assert any(re.fullmatch(as_regex(pattern), name) for name in files), pattern


def test_every_table_has_the_columns_that_are_documented(files):
    kinds = {kind.name: kind for kind in list_kinds()}
    for name, path in files.items():
        if path.suffix == ".parquet":
            kind = kinds[read_any_header(path)["kind"]]
            required = [column.name for column in kind.columns if not column.optional]
            known = kind.names
            columns = list(pd.read_parquet(path).columns)
            assert [column for column in known if column in columns] == columns, name
            assert set(required) <= set(columns), name


def test_pandas_and_duckdb_read_every_table_alike(files):
    for name, path in files.items():
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
            relation = duckdb.read_parquet(str(path))
            assert list(relation.columns) == list(frame.columns), name
            assert relation.count("*").fetchall() == [(len(frame),)], name


def test_safetensors_reads_every_tensor_file_and_its_origin(files):
    for name, path in files.items():
        if path.suffix == ".safetensors":
            with safe_open(path, framework="numpy") as handle:
                header = json.loads(handle.metadata()["cberl"])
            assert header["provenance"]["rule"], name
            assert load_file(path), name


def test_every_table_tells_its_origin_to_any_reader(files):
    import pyarrow.parquet as pq

    for name, path in files.items():
        if path.suffix == ".parquet":
            header = json.loads(pq.read_schema(path).metadata[b"cberl"])
            assert header["provenance"]["settings_digest"], name
            assert header["description"], name


def test_every_artifact_can_be_inspected_and_traced(files, finished_run, monkeypatch):
    monkeypatch.chdir(finished_run.folder)
    for path in files.values():
        if path.suffix in {".parquet", ".safetensors"}:
            assert len(list(describe_file(path, rows=1))) > 5
            lineage = list(trace_file(path.relative_to(finished_run.folder)))
            assert not [line for line in lineage if "GONE" in line or "CHANGED" in line]
            assert any("raw data" in line for line in lineage)
