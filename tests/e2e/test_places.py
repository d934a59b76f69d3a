"""Names of folders and files, and where the workflow runs, change nothing that is written."""

import shutil

import pytest
from killing import digests_of
from made_encoders import speech_encoder, text_encoder

from cberl.artifacts import read_header
from cberl.commands.lineage import trace_file
from cberl.commands.verify import Verifier
from cberl.configuration import PROJECT

DEMO = {"name": "demo", "kind": "meld", "root": "resources/demo", "max_unavailable": 0.5}
TEXT = "results/six/features/text/shards/1-of-1.parquet"
UTTERANCES = "results/six/corpus/utterances.parquet"
FIRST = "results/demo/corpus/utterances.parquet"
READ = (FIRST, "results/demo/corpus/media/1-of-2.parquet")


@pytest.mark.parametrize("root", ["a b", "ä'\"$"])
def test_any_folder_may_hold_the_corpus(workspace, root):
    (workspace.folder / "six").rename(workspace.folder / root)
    workspace.configure(corpus=workspace.config["corpus"] | {"root": root})
    workspace.snakemake("results/six/corpus/media/1-of-2.parquet")
    inputs = read_header(workspace.folder / UTTERANCES)["provenance"]["inputs"]
    assert "corpus.root/train_sent_emo.csv" in inputs


FEATURES = {"video": {"encoder": "r3d_18", "weights": "none"}}


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("si{x}/train_sent_emo.csv", {"corpus": {"name": "six", "kind": "meld", "root": "si{x}"}}),
        ("e{n}c/config.json", {"features": FEATURES | {"text": {"encoder": "./e{n}c"}}}),
        ("o{wn}.conf", {"features": FEATURES | {"audio": {"encoder": "o{wn}.conf"}}}),
        ("{w}.pt", {"features": {"video": {"encoder": "r3d_18", "weights": "{w}.pt"}}}),
    ],
)
def test_braces_in_the_path_of_an_input_are_refused_in_one_line(workspace, name, sections):
    if "corpus" in sections:
        (workspace.folder / "six").rename(workspace.folder / "si{x}")
    path = workspace.folder / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    workspace.configure(**sections)
    printed = workspace.snakemake("-n", check=False).stdout
    assert [line for line in printed.splitlines() if "rror" in line] == [
        f"error: {name}: has braces in its path, which Snakemake takes for wildcards; rename it, "
        "or name a link without braces"
    ]


def test_other_paths_may_have_braces(workspace, tmp_path_factory):
    other = type(workspace)(tmp_path_factory.mktemp("wor{k}ing") / "fol{d}er")
    shutil.copytree(workspace.folder, other.folder)
    shutil.copy(PROJECT / "config/variants.tsv", other.folder / "v{a}.tsv")
    other.configure(variants="v{a}.tsv")
    other.snakemake(UTTERANCES)
    assert (other.folder / UTTERANCES).exists()


def test_where_the_corpus_lies_changes_no_byte(workspace, tmp_path_factory):
    """Of anything but the page that shows the configuration."""
    other = type(workspace)(tmp_path_factory.mktemp("other"))
    shutil.copytree(workspace.folder / "six", other.folder / "deep/within")
    corpus, lying = workspace.config["corpus"], {workspace: "six", other: "deep/within"}
    for place, name in lying.items():
        place.configure(**workspace.config)
        place.configure(corpus=corpus | {"root": str(place.folder / name)})
        place.snakemake()
    digests = [digests_of(place.folder) for place in lying]
    for one in digests:
        del one["results/six/report/index.html"]
    assert digests[0] == digests[1]
    for place in lying:
        assert found_in(place) == []
        csv = place.folder / lying[place] / "train_sent_emo.csv"
        csv.write_text(csv.read_text().replace("!", "?"))
        older = [name for state, name in found_in(place) if state == "older"]
        assert UTTERANCES in older
        marked = [line for line in trace_file(place.folder / UTTERANCES) if "CHANGED" in line]
        assert len(marked) == 1


def name_own_encoders(place, folder):
    """Copies of the same encoders and texts in a folder, and a configuration that names them."""
    first = text_encoder(folder / "first/base", "bert")
    second = text_encoder(folder / "second/base", "roberta")
    (folder / "more.csv").write_text("text,label\nI am so very happy,joy\nno no never,anger\n")
    more = {"file": str(folder / "more.csv")}
    finetune = {"enabled": True, "folds": 2, "epochs": 1, "auxiliary": more}
    encoders = [
        {"encoder": str(first), "max_tokens": 32, "finetune": finetune},
        {"encoder": str(second), "max_tokens": 32},
    ]
    audio = {"encoder": str(speech_encoder(folder / "base"))}
    features = place.config["features"] | {"text": {"encoders": encoders}, "audio": audio}
    place.configure(features=features)
    return second / "config.json"


def test_where_encoders_lie_changes_no_byte(workspace, tmp_path_factory):
    """Of anything but the page that shows the configuration."""
    other = type(workspace)(tmp_path_factory.mktemp("other"))
    shutil.copytree(workspace.folder, other.folder, dirs_exist_ok=True)
    lying = {workspace: workspace.folder / "models", other: tmp_path_factory.mktemp("far")}
    configs = {place: name_own_encoders(place, folder) for place, folder in lying.items()}
    for place in lying:
        place.snakemake()
    digests = [digests_of(place.folder) for place in lying]
    for one in digests:
        del one["results/six/report/index.html"]
    assert digests[0] == digests[1]
    for place, config in configs.items():
        assert found_in(place) == []
        assert not any("CHANGED" in line for line in trace_file(place.folder / TEXT))
        config.write_text(config.read_text() + " ")
        assert TEXT in [name for state, name in found_in(place) if state == "older"]
        marked = [line for line in trace_file(place.folder / TEXT) if "CHANGED" in line]
        assert len(marked) == 1
        assert "encoders.1.encoder/base/config.json" in marked[0]
        jobs = place.jobs_to_run()
        assert jobs["extract_text"] == 1
        assert "finetune_text" not in jobs  # of the other encoder


def found_in(place):
    return [(one.state, one.path) for one in Verifier(place.folder / "results").check()]


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
    assert all(name.startswith("corpus.root/") for name in header["provenance"]["inputs"])
    assert "root" not in header["provenance"]["settings"]


def test_nothing_is_left_in_the_temporary_folder(finished_copy, tmp_path_factory, monkeypatch):
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    rules = ("train_gnn", "fit_scaler")
    finished_copy.snakemake("--rerun-triggers", "mtime", "--forcerun", *rules)
    assert list(temporary.iterdir()) == []
