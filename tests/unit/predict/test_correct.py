"""Labels that a person sets in an output become a corpus of kind table."""

import json
from collections import Counter

import pandas as pd
import pytest
import yaml
from made_media import write_media
from made_predictions import SAID, make_made_prediction

from cberl.corpus.readers.column_files import read_column_file
from cberl.corpus.readers.table import OPTIONAL, REQUIRED, conversation_rows
from cberl.errors import InputError
from cberl.predict.correct import count_labels, write_corrected
from cberl.predict.outputs.write_outputs import write_outputs

LABELLED = {0: "joy", 3: "Anger & fear"}


@pytest.fixture
def outputs(tmp_path):
    media = write_media(tmp_path / "rec/a talk.mp4", None, 8)
    write_outputs(tmp_path / "out", make_made_prediction(media), tmp_path, {}, {"a talk": 8.0})
    return tmp_path / "out"


def label_jsonl(outputs):
    path = outputs / "turns.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for turn, label in LABELLED.items():
        rows[turn]["label"] = label
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def label_parquet(outputs):
    """As people do: with pandas, which drops what it does not know."""
    path = outputs / "turns.parquet"
    frame = pd.read_parquet(path)
    frame["label"] = frame["turn"].map(LABELLED)
    frame.to_parquet(path)
    return path


def label_elan(outputs):
    from pympi import Eaf

    path = outputs / "a_talk.eaf"
    document = Eaf(str(path))
    for turn, label in LABELLED.items():
        start, end, speaker = SAID[turn][:3]
        document.add_ref_annotation(f"{speaker} label", speaker, 500 * (start + end), label)
    document.to_file(str(path))
    return path


@pytest.mark.parametrize("edit", [label_jsonl, label_parquet, label_elan])
def test_labels_of_a_person_become_a_corpus(outputs, tmp_path, edit):
    write_corrected([edit(outputs)], tmp_path / "corpus")
    file = read_column_file(tmp_path / "corpus/utterances.tsv", REQUIRED, OPTIONAL)
    rows = conversation_rows(file)
    # ELAN has no place for a turn without times.
    count = 5 if edit is label_elan else 6
    assert len(rows) == count
    assert {turn: label for turn, label in enumerate(rows["label"]) if label} == LABELLED
    assert count_labels(tmp_path / "corpus") == dict(sorted(Counter(LABELLED.values()).items()))
    assert list(rows["dialogue"].unique()) == ["a talk"]
    assert rows["media_start_s"].iloc[3] == 4.5
    assert rows["media_end_s"].iloc[3] == 6.0
    assert rows["text"].iloc[0] == "It's fine."
    assert rows["speaker"].iloc[1] == "Ben"
    linked = tmp_path / "corpus" / rows["media_path"].iloc[0]
    assert linked.is_symlink()
    assert linked.read_bytes() == (tmp_path / "rec/a talk.mp4").read_bytes()
    config = yaml.safe_load((tmp_path / "corpus/config.yaml").read_text())
    assert config["modalities"] == ["text", "audio", "video"]
    assert config["corpus"] == {
        "name": "corpus",
        "kind": "table",
        "root": str(tmp_path / "corpus"),
        "file": "utterances.tsv",
    }


def test_sound_in_files_of_its_own_is_linked_beside_the_clips(tmp_path):
    prediction = make_made_prediction(write_media(tmp_path / "rec/talk.mp4", None, 4))
    sound = tmp_path / "rec/talk.wav"
    sound.write_bytes(b"RIFF")
    prediction.turns["audio_path"] = [str(sound), *[None] * 5]
    write_outputs(tmp_path / "out", prediction, tmp_path, {}, {})
    write_corrected([label_jsonl(tmp_path / "out")], tmp_path / "corpus")
    file = read_column_file(tmp_path / "corpus/utterances.tsv", REQUIRED, OPTIONAL)
    rows = conversation_rows(file)
    assert rows["media_path"].iloc[0] == "media/talk.mp4"
    assert rows["audio_path"].iloc[0] == "media/talk.wav"
    assert rows["audio_path"].iloc[1:].isna().all()
    assert (tmp_path / "corpus/media/talk.wav").read_bytes() == sound.read_bytes()


def test_a_corrected_transcript_asks_for_text_alone(tmp_path):
    write_outputs(tmp_path / "out", make_made_prediction(None), tmp_path, {}, {})
    write_corrected([label_jsonl(tmp_path / "out")], tmp_path / "corpus")
    config = yaml.safe_load((tmp_path / "corpus/config.yaml").read_text())
    assert config["modalities"] == ["text"]


def test_several_files_make_one_corpus_but_no_conversation_comes_twice(outputs, tmp_path):
    other = make_made_prediction(None, "another")
    write_outputs(tmp_path / "other", other, tmp_path, {}, {})
    write_corrected([label_jsonl(outputs), tmp_path / "other/turns.jsonl"], tmp_path / "corpus")
    text = (tmp_path / "corpus/utterances.tsv").read_text(encoding="utf-8")
    assert text.count("\n") == 1 + 12
    with pytest.raises(InputError, match=r"conversation 'a talk' is in .* too"):
        write_corrected([outputs / "turns.jsonl", label_elan(outputs)], tmp_path / "twice")
    assert not (tmp_path / "twice").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.jsonl", None, "no such file"),
        ("a.csv", "x", "ends in '.csv'; expected .jsonl, .parquet, .eaf"),
        ("a.eaf", "<nothing>", "is no ELAN document"),
        ("a.jsonl", '{"text": "Hi."}', "has no column conversation"),
        (
            "a.jsonl",
            '{"conversation": "a", "turn": 0, "label": "joy", "media_path": "/gone.mp4"}',
            "/gone.mp4: no such file; expected the recording",
        ),
    ],
)
def test_what_cannot_become_a_corpus_is_refused(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=words) as refusal:
        write_corrected([tmp_path / name], tmp_path / "corpus")
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "corpus").exists()


def test_outputs_in_which_nobody_set_a_label_are_refused(outputs, tmp_path):
    for name in ("turns.jsonl", "turns.parquet", "a_talk.eaf"):
        with pytest.raises(InputError, match="no turn has a label; expected label to be set"):
            write_corrected([outputs / name], tmp_path / "corpus")
