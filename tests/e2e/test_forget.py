"""A person who is forgotten has left no trace once the run is over."""

import csv
import shlex
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from cberl.artifacts import read_table
from cberl.cli import main
from cberl.configuration import PROJECT
from cberl.corpus.tables import UTTERANCES

NAME = "Zebulonia"
FIRST_TEXT = "I never told anybody about the quokka."
BROKEN_CLIP = "six/train_splits/dia1_utt2.mp4"
TABLE = "six/train_sent_emo.csv"


def rewrite(workspace, change):
    """Put each row of the training table through a function that returns it, or None."""
    path = workspace.folder / TABLE
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = [kept for row in reader if (kept := change(row)) is not None]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, reader.fieldnames)
        writer.writeheader()
        writer.writerows(rows)


def plant(row):
    if row["Speaker"] == "Iris":
        row["Speaker"] = NAME
        if (row["Dialogue_ID"], row["Utterance_ID"]) == ("1", "0"):
            row["Utterance"] = FIRST_TEXT
    return row


@pytest.fixture
def with_a_person(workspace):
    """A finished run in which one speaker has a name and a sentence that nobody else has, and a
    clip that is no clip."""
    rewrite(workspace, plant)
    (workspace.folder / BROKEN_CLIP).write_bytes(b"no clip")
    workspace.configure(tensorboard=True)
    workspace.snakemake()
    return workspace


def traces_of(folder, words):
    """Files that hold one of the words in their name or content, tables decoded."""
    found = {}
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += str(pq.read_table(path).drop_columns(_binary(path)).to_pydict()).encode()
        for word in words:
            if word.encode() in content or word in path.name:
                found.setdefault(str(path.relative_to(folder)), []).append(word)
    return found


def _binary(path):
    return [field.name for field in pq.read_schema(path) if "binary" in str(field.type)]


def test_nothing_of_a_person_is_left(with_a_person, monkeypatch, capsys):
    workspace = with_a_person
    monkeypatch.chdir(workspace.folder)
    rows = read_table("results/six/corpus/utterances.parquet", UTTERANCES)
    own = rows[rows["speaker"] == NAME]
    ids, clips = list(own["utterance_id"]), list(own["media_path"].dropna())
    assert len(ids) == 7
    words = [NAME, *own["text"], *ids, *clips]
    before = traces_of(workspace.folder, words)
    assert "results/six/corpus/utterances.parquet" in before
    assert "results/six/report/index.html" in before

    capsys.readouterr()
    assert main(["forget", "results/six", "--speaker", NAME, "--yes"]) == 0
    call = shlex.split(capsys.readouterr().out.splitlines()[-1])
    rewrite(workspace, lambda row: None if row["Speaker"] == NAME else row)
    for clip in clips:
        (workspace.folder / "six" / clip).unlink()
    assert traces_of(workspace.folder, words) == {}

    command = [sys.executable, "-m", *call, "--snakefile", str(PROJECT / "workflow/Snakefile")]
    subprocess.run(command, check=True)
    assert traces_of(workspace.folder, words) == {}
    rows = read_table("results/six/corpus/utterances.parquet", UTTERANCES)
    assert len(rows) == 32
    assert main(["verify", "results/six"]) == 0
