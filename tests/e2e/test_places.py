"""Names of folders and files, and where the workflow runs, change nothing that is written."""

import shutil

import pytest
from killing import digests_of

from cberl.artifacts import read_header
from cberl.configuration import PROJECT

DEMO = {"name": "demo", "kind": "meld", "root": "resources/demo", "max_unavailable": 0.5}
FIRST = "results/demo/corpus/utterances.parquet"
READ = (FIRST, "results/demo/corpus/media/1-of-2.parquet")


@pytest.mark.parametrize("root", ["a b", "ä'\"$"])
def test_any_folder_may_hold_the_corpus(workspace, root):
    (workspace.folder / "six").rename(workspace.folder / root)
    workspace.configure(corpus=workspace.config["corpus"] | {"root": root})
    workspace.snakemake("results/six/corpus/media/1-of-2.parquet")
    inputs = read_header(workspace.folder / "results/six/corpus/utterances.parquet")["provenance"][
        "inputs"
    ]
    assert f"{root}/train_sent_emo.csv" in inputs


def test_the_working_directory_changes_no_byte(workspace, tmp_path_factory):
    """With the corpus in the project's folder, and with a copy of it where the workflow runs."""
    here, there = workspace, type(workspace)(tmp_path_factory.mktemp("there"))
    there.configure(**here.config)
    for place in (here, there):
        place.configure(corpus=DEMO)
    shutil.copytree(PROJECT / "resources/demo", there.folder / "resources/demo")
    for place in (here, there):
        place.snakemake(*READ)
    assert digests_of(here.folder) == digests_of(there.folder)
    header = read_header(here.folder / FIRST)
    assert all(name.startswith("resources/demo/") for name in header["provenance"]["inputs"])
    assert header["provenance"]["settings"]["root"] == "resources/demo"


def test_nothing_is_left_in_the_temporary_folder(finished_copy, tmp_path_factory, monkeypatch):
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    rules = ("train_gnn", "fit_scaler")
    finished_copy.snakemake("--rerun-triggers", "mtime", "--forcerun", *rules)
    assert list(temporary.iterdir()) == []
