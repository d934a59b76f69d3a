"""Walking from an artifact back to the raw data."""

import pandas as pd
import pytest

from cberl.artifacts import write_table
from cberl.commands.lineage import trace_file
from cberl.corpus.tables import LABELS, QUALITY
from cberl.digests import check_digest
from cberl.errors import InputError
from cberl.provenance import file_digest


@pytest.fixture
def results(tmp_path):
    """A raw CSV, labels read from it, and a second table of labels read from both."""
    (tmp_path / "raw.csv").write_text("a,b\n")
    write_labels(tmp_path, "first.parquet", ["raw.csv"], "ingest_corpus")
    write_labels(tmp_path, "second.parquet", ["first.parquet", "raw.csv"], "relabel")
    return tmp_path


def write_labels(folder, name, inputs, rule):
    frame = pd.DataFrame({"utterance_id": ["train/0/0"], "label": ["joy"]})
    digests = {
        path: (check_digest if path.endswith(".parquet") else file_digest)(folder / path)
        for path in inputs
    }
    origin = {"rule": rule, "seed": 1, "inputs": digests, "git_commit": "0123456789abcdef+"}
    write_table(folder / name, LABELS, frame, origin)


def test_a_file_is_traced_to_the_raw_data(results, monkeypatch):
    monkeypatch.chdir(results)
    assert list(trace_file("second.parquet")) == [
        "second.parquet  labels by relabel, seed 1, commit 0123456789+",
        "├─ first.parquet  labels by ingest_corpus, seed 1, commit 0123456789+",
        "│  └─ raw.csv  raw data",
        "└─ raw.csv  raw data",
    ]


def test_inputs_are_found_from_any_working_directory(results, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert not any("GONE" in line for line in trace_file(results / "second.parquet"))


def test_a_changed_input_is_marked(results, monkeypatch):
    monkeypatch.chdir(results)
    (results / "raw.csv").write_text("a,b\n1,2\n")
    lines = list(trace_file("second.parquet"))
    assert lines[2] == "│  └─ raw.csv  raw data  CHANGED SINCE"
    assert "first.parquet" in lines[1]
    assert "CHANGED" not in lines[1]


def test_a_missing_input_is_marked(results, monkeypatch):
    monkeypatch.chdir(results)
    (results / "first.parquet").unlink()
    (results / "raw.csv").unlink()
    lines = list(trace_file("second.parquet"))
    assert "├─ first.parquet  made by the workflow  GONE" in lines
    assert "└─ raw.csv  raw data  GONE" in lines


def test_a_broken_input_is_broken_and_not_raw_data(results, monkeypatch):
    monkeypatch.chdir(results)
    path = results / "first.parquet"
    path.write_bytes(path.read_bytes().replace(b"joy", b"jay"))
    assert "├─ first.parquet  made by ingest_corpus  BROKEN" in list(trace_file("second.parquet"))


def test_what_stands_above_is_not_taken_apart_again(results, monkeypatch):
    monkeypatch.chdir(results)
    write_labels(results, "third.parquet", ["first.parquet", "second.parquet"], "relabel")
    lines = list(trace_file("third.parquet"))
    assert sum("ingest_corpus" in line for line in lines) == 1
    assert lines[-1].endswith("from files above")


def test_a_page_has_no_lineage(tmp_path):
    (tmp_path / "index.html").write_text("")
    with pytest.raises(InputError, match=r"index.html: expected"):
        list(trace_file(tmp_path / "index.html"))


def test_a_file_without_inputs_is_a_tree_of_one_line(results):
    frame = pd.DataFrame({name: [None] for name in QUALITY.names})
    frame["utterance_id"], frame["modality"], frame["available"] = "train/0/0", "text", True
    write_table(results / "orphan.parquet", QUALITY, frame, {"rule": "made"})
    assert list(trace_file(results / "orphan.parquet")) == [
        f"{results / 'orphan.parquet'}  quality by made"
    ]
