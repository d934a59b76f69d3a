"""What results hold of a speaker or a dialogue is listed whole, and removed when asked."""

import pandas as pd
import pytest

from cberl.artifacts import write_page, write_table, write_tensors
from cberl.cli import main
from cberl.commands.forget import HELD, STALE, UNREADABLE, find_traces
from cberl.corpus.tables import LABELS, UTTERANCES
from cberl.errors import InputError
from cberl.features.tables import FEATURES

FOLDER = "results/toy"
ROWS = {"train/0/0": "Ann", "train/0/1": "Bob", "train/1/0": "Cy", "dev/0/0": "Cy"}


def provenance(rule, *inputs):
    return {"rule": rule, "inputs": dict.fromkeys(inputs, "xxh3_128:" + 32 * "0")}


def features(name, ids, rule, *inputs):
    frame = pd.DataFrame({"utterance_id": ids, "available": True, "is_synthetic": False})
    matrix = [[float(number)] for number in range(len(ids))]
    write_table(
        f"{FOLDER}/{name}", FEATURES, frame, provenance(rule, *inputs), {"features": matrix}
    )


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    utterances = f"{FOLDER}/corpus/utterances.parquet"
    filled = {one.name: [None if one.nullable else "x"] * 4 for one in UTTERANCES.columns}
    frame = pd.DataFrame(filled)
    frame["utterance_id"], frame["speaker"] = list(ROWS), list(ROWS.values())
    frame["split"] = [name.split("/")[0] for name in ROWS]
    frame["dialogue_id"] = [name.rsplit("/", 1)[0] for name in ROWS]
    frame["turn"], frame["text"] = 0, "hello"
    frame["media_path"] = [f"{name.replace('/', '_')}.mp4" for name in ROWS]
    write_table(utterances, UTTERANCES, frame, provenance("ingest_corpus", "corpus.root/train.csv"))
    labels = pd.DataFrame({"utterance_id": ["dev/0/0"], "label": ["joy"]})
    write_table(f"{FOLDER}/corpus/labels_dev.parquet", LABELS, labels, provenance("ingest_corpus"))
    features("features/1.parquet", ["train/0/0", "train/0/1"], "extract_text", utterances)
    features("features/2.parquet", ["train/1/0", "dev/0/0"], "extract_text", utterances)
    features("features/dev.parquet", ["dev/0/0"], "gather", f"{FOLDER}/features/2.parquet")
    train = [name for name in ROWS if name.startswith("train")]
    features("features/train.parquet", train, "gather", f"{FOLDER}/features/1.parquet")
    for name, source in (("gan", "features/train.parquet"), ("other", "features/dev.parquet")):
        origin = provenance("fit", f"{FOLDER}/{source}")
        write_tensors(f"{FOLDER}/{name}.safetensors", name, {"w": frame.index.to_numpy()}, origin)
    features("synthetic.parquet", ["train/0+1/0"], "sample", f"{FOLDER}/gan.safetensors")
    features("fuse/dev.parquet", ["dev/0/0"], "fuse", f"{FOLDER}/gan.safetensors")
    features("train/dev.parquet", ["dev/0/0"], "predict", f"{FOLDER}/fuse/dev.parquet")
    write_page(f"{FOLDER}/report/index.html", "<p>hello</p>")
    (tmp_path / FOLDER / "logs").mkdir()
    (tmp_path / FOLDER / "logs/decode.log").write_text("train/0/0: no sound")
    (tmp_path / FOLDER / "logs/other.log").write_text("done")
    return tmp_path / FOLDER


EXPECTED = {
    "corpus/utterances.parquet": HELD,
    "features/1.parquet": HELD,
    "features/train.parquet": HELD,
    "fuse/dev.parquet": STALE,
    "gan.safetensors": STALE,
    "logs/decode.log": HELD,
    "report/index.html": STALE,
    "synthetic.parquet": STALE,
    "train/dev.parquet": STALE,
}


def listed(results, speaker=None, dialogue=None):
    files = find_traces(results, speaker, dialogue).files
    return {str(path.relative_to(results)): why for path, why in files.items()}


def test_what_holds_a_speaker_and_what_was_made_from_that_is_listed(results):
    assert listed(results, speaker="Ann") == EXPECTED


def test_a_dialogue_is_found_by_its_id(results):
    assert listed(results, dialogue="train/0") == EXPECTED
    assert "features/2.parquet" in listed(results, dialogue="train/1")


def test_a_file_that_cannot_be_read_is_listed(results):
    (results / "features/dev.parquet").write_bytes(b"PAR1")
    assert listed(results, speaker="Ann")["features/dev.parquet"] == UNREADABLE


def test_the_corpus_is_listed_and_left_to_its_owner(results):
    traces = find_traces(results, "Ann", None)
    assert traces.raw == ["train_0_0.mp4", "train.csv (rows of it)"]
    assert traces.utterances == 1


def test_nothing_is_removed_unless_it_is_said(results, capsys):
    before = sorted(results.rglob("*"))
    assert main(["forget", str(results), "--speaker", "Ann"]) == 0
    assert sorted(results.rglob("*")) == before
    assert "gan.safetensors" in capsys.readouterr().out
    command = ["forget", str(results), "--speaker", "Ann", "--yes", "--configfile", "my toy.yaml"]
    assert main(command) == 0
    call = "snakemake --cores all --configfile 'my toy.yaml'"
    assert capsys.readouterr().out.splitlines()[-1] == call
    left = {str(path.relative_to(results)) for path in results.rglob("*") if path.is_file()}
    assert left == {
        *("corpus/labels_dev.parquet", "features/2.parquet", "features/dev.parquet"),
        *("logs/other.log", "other.safetensors"),
    }


def test_a_name_that_nobody_has_is_refused_with_those_like_it(results):
    with pytest.raises(InputError, match=r"no utterance with speaker An; did you mean Ann\?"):
        find_traces(results, "An", None)


def test_of_predictions_the_folder_is_named(tmp_path):
    (tmp_path / "mine/predict").mkdir(parents=True)
    with pytest.raises(InputError, match=r"lies in its folder below \S*/mine/predict$"):
        find_traces(tmp_path / "mine", "Ann", None)
