"""`cberl verify` finds what is broken, missing, older than its inputs, or foreign."""

from pathlib import Path

import pandas as pd
import pytest

from cberl.artifacts import write_page, write_table
from cberl.cli import main
from cberl.commands.verify import Verifier
from cberl.corpus.tables import LABELS
from cberl.digests import check_digest
from cberl.errors import InputError
from cberl.fitting.events import write_events
from cberl.provenance import describe_job

FIRST, SECOND = "results/toy/corpus/first.parquet", "results/toy/fuse/second.parquet"


def write_labels(name, inputs, rule, label="joy"):
    frame = pd.DataFrame({"utterance_id": ["train/0/0"], "label": [label]})
    write_table(name, LABELS, frame, describe_job(rule, {}, {}, "c0de", 1, inputs))


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A raw CSV, labels read from it, labels made from these, a page, events, a log."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.csv").write_text("a,b\n")
    write_labels(FIRST, ["raw.csv"], "ingest_corpus")
    write_labels(SECOND, [FIRST], "relabel")
    write_page("results/toy/report/index.html", "<p>joy</p>")
    history = pd.DataFrame(
        {"epoch": [1], "split": ["dev"], "quantity": ["macro_f1"], "value": [0.5]}
    )
    write_events("results/toy/train/events.out.tfevents.0.cberl", history)
    (tmp_path / "results/toy/logs").mkdir()
    (tmp_path / "results/toy/logs/ingest_corpus.log").write_text("done")
    (tmp_path / "results/README.md").write_text("What appears here")
    return tmp_path


def found(folder="results"):
    return [(finding.state, finding.path) for finding in Verifier(folder).check()]


def test_whole_results_have_nothing_to_find(results, capsys):
    (results / "results/toy/train/.model.safetensors.checkpoint").write_bytes(b"kept")
    assert main(["verify"]) == 0
    assert capsys.readouterr().out.startswith("4 files, ")
    assert found("results/toy/corpus") == []


@pytest.mark.parametrize(
    ("name", "position"),
    [
        (FIRST, 300),
        ("results/toy/report/index.html", 4),
        ("results/toy/train/events.out.tfevents.0.cberl", 40),
    ],
)
def test_a_flipped_bit_is_broken(results, name, position, monkeypatch):
    monkeypatch.setattr("cberl.commands.verify.find_rule", lambda path: "some_rule")
    content = bytearray((results / name).read_bytes())
    content[position] ^= 1
    (results / name).write_bytes(content)
    assert ("broken", name) in found()


def test_a_file_that_others_were_made_from_is_missed(results):
    (results / FIRST).unlink()
    assert found() == [("missing", FIRST)]


def test_what_was_made_from_another_file_is_older(results):
    write_labels(FIRST, ["raw.csv"], "ingest_corpus", "anger")
    assert found() == [("older", SECOND)]
    (results / "raw.csv").write_text("a,b\n1,2\n")
    assert found() == [("older", FIRST), ("older", SECOND)]


def test_a_corpus_of_which_nobody_knows_where_it_lies_is_said_so(results):
    origin = describe_job(
        "ingest_corpus", {}, {}, "c0de", 1, ["raw.csv"], places={Path(): "corpus.root"}
    )
    frame = pd.DataFrame({"utterance_id": ["train/0/0"], "label": ["joy"]})
    write_table(FIRST, LABELS, frame, origin)
    (finding, _) = Verifier("results").check()
    assert (finding.state, finding.path) == ("foreign", "corpus.root/raw.csv")
    assert finding.reason == f"not on record where; {FIRST} was made from it"


def test_what_the_pipeline_did_not_write_is_foreign(results):
    (results / "results/toy/notes.docx").write_text("x")
    pd.DataFrame({"a": [1]}).to_parquet(results / "results/toy/mine.parquet")
    (results / "results/toy/.first.parquet.ab12.part").write_text("PAR1")
    assert [state for state, _ in found()] == ["foreign"] * 3


def test_the_command_that_mends_is_printed(results, capsys):
    (results / FIRST).unlink()
    assert main(["verify", "--rebuild", "--configfile", "toy.yaml"]) == 1
    call = f"snakemake --cores all --configfile toy.yaml --forcerun {FIRST}"
    assert capsys.readouterr().out.splitlines()[-1] == call


def test_a_folder_outside_results_is_refused(results):
    with pytest.raises(InputError, match="expected results/"):
        Verifier(results)
    with pytest.raises(InputError, match="no such folder"):
        Verifier(results / "nowhere")


def test_a_moved_result_is_found_by_its_own_folder(results, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert found(results / "results") == []
    assert check_digest(results / FIRST)


def test_a_broken_part_of_a_bundle_is_made_again_by_its_manifest(results, monkeypatch):
    bundle = "results/toy/bundle/cberl"
    write_page(f"{bundle}/manifest.json", "{}")
    write_page(f"{bundle}/model_card.md", "# Card")
    monkeypatch.setattr(
        "cberl.commands.verify.find_rule",
        lambda path: "bundle_model" if path.name == "manifest.json" else None,
    )
    (results / bundle / "model_card.md").write_text("# Other card")
    verifier = Verifier("results")
    assert [one.state for one in verifier.check()] == ["broken"]
    (call,) = verifier.snakemake_calls(None)
    assert call[-2:] == ["--forcerun", f"{bundle}/manifest.json"]
