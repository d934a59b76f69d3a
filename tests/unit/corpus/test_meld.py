"""The reader of MELD, on trees in the layout of its archive and on the real annotations."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from made_corpora import MELD_CLIP_FOLDERS as CLIP_FOLDERS
from made_corpora import MELD_HEADER as HEADER
from made_corpora import SETTINGS as CORPUS_SETTINGS
from made_corpora import make_clips, make_meld
from made_corpora import meld_row as row
from made_corpora import write_meld_csv as write_csv

from cberl.corpus.annotations import annotation_files
from cberl.corpus.readers.meld import annotated_duration
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError

SETTINGS = CORPUS_SETTINGS["meld"]


@pytest.fixture
def tree(tmp_path):
    make_meld(tmp_path)
    return tmp_path


def read_one(root, utterance_id):
    return read_corpus(SETTINGS, root).utterances.set_index("utterance_id").loc[utterance_id]


def test_same_numbers_in_two_splits_are_two_utterances(tree):
    corpus = read_corpus(SETTINGS, tree)
    assert corpus.utterances["utterance_id"].tolist() == [
        "train/0/0",
        "train/0/1",
        "dev/0/0",
        "dev/0/1",
        "test/0/0",
        "test/0/1",
    ]
    assert corpus.utterances["media_path"].iloc[-1] == "output_repeated_splits_test/dia0_utt1.mp4"
    assert corpus.utterances["annotated_duration_s"].eq(1.5).all()
    assert corpus.utterances["note"].isna().all()


def test_turn_is_the_rank_of_the_number(tree):
    write_csv(tree / "train_sent_emo.csv", [row(3, 10), row(3, 9), row(3, 4), row(1, 7)])
    train = read_corpus(SETTINGS, tree).utterances.query("split == 'train'")
    assert train["utterance_id"].tolist() == ["train/1/7", "train/3/4", "train/3/9", "train/3/10"]
    assert train["turn"].tolist() == [0, 0, 1, 2]


def test_control_codes_become_the_characters_they_stand_for(tree):
    write_csv(
        tree / "train_sent_emo.csv", [row(0, 0, "It\x92s\x85 \x93no\x94"), row(0, 1, "It’s…")]
    )
    assert read_one(tree, "train/0/0").text == "It’s… “no”"
    assert "cp1252" in read_one(tree, "train/0/0").note
    assert read_one(tree, "train/0/1").text == "It’s…"


def test_next_line_code_does_not_cut_a_row(tree):
    write_csv(tree / "train_sent_emo.csv", [row(0, 0, "Well\x85"), row(0, 1, "two\nlines")])
    assert read_one(tree, "train/0/0").text == "Well…"
    assert read_one(tree, "train/0/1").text == "two\nlines"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_encodings(tree, encoding):
    write_csv(tree / "dev_sent_emo.csv", [row(0, 0, "Café… it’s")], encoding)
    assert read_one(tree, "dev/0/0").text == "Café… it’s"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32-be"])
def test_other_encodings_are_refused(tree, encoding):
    write_csv(tree / "dev_sent_emo.csv", [row(0, 0)], encoding)
    with pytest.raises(InputError, match=r"dev_sent_emo\.csv: line 1: holds a control character"):
        read_corpus(SETTINGS, tree)


def test_byte_that_no_encoding_has_is_refused(tree):
    path = tree / "dev_sent_emo.csv"
    path.write_bytes(path.read_bytes().replace(b"Hello", b"He\x81\xe9o"))
    with pytest.raises(InputError, match=r"dev_sent_emo\.csv: neither UTF-8 nor cp1252.*line 2"):
        read_corpus(SETTINGS, tree)


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("00:16:16,059", "00:16:21,731", 5.672),
        ("0:11:36,446", "0:11:38,212", 1.766),
        ("00:05:05,680", "00:05:11,82", 6.14),
        ("0:00:01", "0:00:02.5", 1.5),
    ],
)
def test_time_formats(start, end, seconds):
    assert annotated_duration(start, end) == (pytest.approx(seconds), None)


@pytest.mark.parametrize(
    ("start", "end", "note"),
    [
        ("0:00:00,000", "0:05:04,940", "304.94 s is absurd"),
        ("0:00:01,000", "0:00:01,000", "0 s is absurd"),
        ("0:00:02,000", "0:00:01,000", "-1 s is absurd"),
        ("soon", "0:00:01,000", "'soon' to '0:00:01,000' are unreadable"),
        ("", "", "unreadable"),
    ],
)
def test_absurd_times_are_noted(start, end, note):
    duration, said = annotated_duration(start, end)
    assert duration is None
    assert note in said


def test_a_missing_clip_keeps_its_row_and_its_name(tree):
    (tree / "dev_splits_complete" / "dia0_utt1.mp4").unlink()
    missing = read_one(tree, "dev/0/1")
    assert missing.media_path == "dev_splits_complete/dia0_utt1.mp4"
    assert missing[["note"]].isna().all()


def test_clips_without_rows_are_noticed_and_stray_files_ignored(tree):
    names = ["dia9_utt9.mp4", "._dia0_utt0.mp4", ".DS_Store", "dia0_utt0.txt"]
    make_clips(tree / "train_splits", names)
    corpus = read_corpus(SETTINGS, tree)
    assert len(corpus.utterances) == 6
    told = "train_splits: clips without a row in train_sent_emo.csv: 1"
    assert any(notice.endswith(told) for notice in corpus.notices)
    assert read_one(tree, "train/0/0").media_path == "train_splits/dia0_utt0.mp4"


def test_corrected_clip_is_preferred(tree):
    folder = CLIP_FOLDERS["test"]
    make_clips(
        tree / folder, ["final_videos_testdia0_utt1.mp4", "._final_videos_testdia0_utt0.mp4"]
    )
    corrected = read_one(tree, "test/0/1")
    assert corrected.media_path == f"{folder}/final_videos_testdia0_utt1.mp4"
    assert "corrected clip" in corrected.note
    assert read_one(tree, "test/0/0").media_path == f"{folder}/dia0_utt0.mp4"


@pytest.mark.parametrize(
    ("table_folder", "clip_folder"),
    [
        (".", "train_splits"),
        (".", "train/train_splits"),
        ("train", "train/train_splits"),
        (".", "train_splits/train_splits"),
        ("train_splits", "train_splits/train_splits"),
        ("MELD.Raw", "MELD.Raw/train_splits"),
        ("MELD.Raw/train", "MELD.Raw/train/train_splits"),
        ("data/MELD", "MELD.Raw/train_splits"),
    ],
)
def test_layouts_of_unpacked_archives(tree, table_folder, clip_folder):
    table = (tree / "train_sent_emo.csv").read_bytes()
    (tree / "train_sent_emo.csv").unlink()
    for clip in (tree / "train_splits").iterdir():
        clip.unlink()
    (tree / "train_splits").rmdir()
    make_clips(tree / clip_folder, ["dia0_utt0.mp4"])
    (tree / table_folder).mkdir(parents=True, exist_ok=True)
    (tree / table_folder / "train_sent_emo.csv").write_bytes(table)
    assert read_one(tree, "train/0/0").media_path == f"{clip_folder}/dia0_utt0.mp4"


def test_text_only_tree_needs_no_clip_folders(tmp_path):
    for split in CLIP_FOLDERS:
        write_csv(tmp_path / f"{split}_sent_emo.csv", [row(0, 0)])
    expected = [f"{folder}/dia0_utt0.mp4" for folder in CLIP_FOLDERS.values()]
    assert read_corpus(SETTINGS, tmp_path).utterances["media_path"].tolist() == expected


def test_unnamed_speaker_is_noted(tree):
    write_csv(tree / "train_sent_emo.csv", [row(0, 0, speaker=" ")])
    assert read_one(tree, "train/0/0").speaker == "unknown"
    assert "no speaker" in read_one(tree, "train/0/0").note


@pytest.mark.parametrize("column", ["Utterance", "Speaker", "Emotion", "Utterance_ID", "EndTime"])
def test_missing_column_is_refused(tree, column):
    position = HEADER.index(column)
    cut = [values[:position] + values[position + 1 :] for values in (HEADER, row(0, 0))]
    write_csv(tree / "test_sent_emo.csv", cut[1:], header=cut[0])
    with pytest.raises(InputError, match=rf"test_sent_emo\.csv: has no column {column};"):
        read_corpus(SETTINGS, tree)


def test_repeated_key_is_refused(tree):
    write_csv(tree / "dev_sent_emo.csv", [row(0, 0), row(0, 1), row(0, 0)])
    with pytest.raises(InputError, match=r"line 4: key 'dev/0/0' .* line 2"):
        read_corpus(SETTINGS, tree)


@pytest.mark.parametrize(
    ("emotion", "classes"), [("hapy", []), ("", []), ("fear", ["neutral", "joy"])]
)
def test_label_outside_the_classes_is_refused(tree, emotion, classes):
    write_csv(tree / "dev_sent_emo.csv", [row(0, 0), row(0, 1, emotion=emotion)])
    with pytest.raises(
        InputError, match=rf"dev_sent_emo\.csv: line 3: label '{emotion}'; expected"
    ):
        read_corpus(replace(SETTINGS, classes=classes), tree)


@pytest.mark.parametrize("content", [b"", b"\r\n", ",".join(HEADER).encode() + b"\r\n"])
def test_empty_table_is_refused(tree, content):
    (tree / "train_sent_emo.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"train_sent_emo\.csv: .*(empty|no rows)"):
        read_corpus(SETTINGS, tree)


def test_row_of_another_width_is_refused(tree):
    with (tree / "train_sent_emo.csv").open("a") as handle:
        handle.write("1,two\r\n")
    with pytest.raises(InputError, match=r"train_sent_emo\.csv: line 4: 2 values; expected 11"):
        read_corpus(SETTINGS, tree)


def test_unclosed_quote_is_refused(tree):
    with (tree / "train_sent_emo.csv").open("a") as handle:
        handle.write('1,"never closed\r\n')
    with pytest.raises(InputError, match=r"train_sent_emo\.csv: line \d+: .*end of data"):
        read_corpus(SETTINGS, tree)


def test_id_that_is_no_number_is_refused(tree):
    write_csv(tree / "train_sent_emo.csv", [row("x", 0)])
    with pytest.raises(InputError, match="line 2: Dialogue_ID is 'x'; expected a whole number"):
        read_corpus(SETTINGS, tree)


def test_missing_table_or_root_is_refused_before_any_job(tree):
    assert annotation_files(SETTINGS, tree) == [
        tree / f"{split}_sent_emo.csv" for split in CLIP_FOLDERS
    ]
    (tree / "dev_sent_emo.csv").unlink()
    with pytest.raises(InputError, match=r"dev_sent_emo\.csv: no such file"):
        annotation_files(SETTINGS, tree)
    with pytest.raises(InputError, match=r"no such folder .*nowhere"):
        annotation_files(SETTINGS, tree / "nowhere")


@pytest.mark.skipif("MELD_ROOT" not in os.environ, reason="MELD_ROOT is not set")
def test_real_annotations():
    corpus = read_corpus(SETTINGS, Path(os.environ["MELD_ROOT"]))
    utterances = corpus.utterances
    assert Counter(utterances["split"]) == {"train": 9989, "dev": 1109, "test": 2610}
    dialogues = utterances.groupby("split")["dialogue_id"].nunique()
    assert dialogues.to_dict() == {"train": 1038, "dev": 114, "test": 280}
    assert corpus.labels_of("train")["label"].value_counts()[corpus.classes].tolist() == [
        4710,
        1205,
        268,
        683,
        1743,
        271,
        1109,
    ]
    assert not utterances["text"].str.contains(r"[\x80-\x9f]").any()
    absurd = utterances[utterances["annotated_duration_s"].isna()]
    assert sorted(absurd["utterance_id"]) == ["test/155/3", "test/220/0", "test/38/4"]
