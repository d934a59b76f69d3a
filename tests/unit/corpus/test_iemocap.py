"""The reader of IEMOCAP, on trees in the layout of the full release."""

from dataclasses import replace

import pytest
from made_corpora import SETTINGS, iemocap_dialogue, make_clips, make_iemocap

from cberl.corpus.annotations import annotation_files
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError

IEMOCAP = SETTINGS["iemocap"]


@pytest.fixture
def tree(tmp_path):
    make_iemocap(tmp_path)
    return tmp_path


def read(root, **settings):
    return read_corpus(replace(IEMOCAP, **settings), root)


def row_of(corpus, utterance_id):
    return corpus.utterances.set_index("utterance_id").loc[utterance_id]


def label_of(corpus, utterance_id):
    return corpus.labels.set_index("utterance_id")["label"].loc[utterance_id]


def test_session_5_is_test_and_dev_is_dealt_from_the_others(tree):
    utterances = read(tree).utterances
    splits = utterances.groupby("split")["dialogue_id"].unique()
    assert [name[:10] for name in splits["test"]] == ["test/Ses05"] * 3
    assert len(splits["dev"]) == 1
    assert len(splits["train"]) == 11
    other = read(tree, split_seed=1).utterances.groupby("split")["dialogue_id"].unique()
    assert other["test"].tolist() == splits["test"].tolist()
    assert len(read(tree, dev_share=0.5).utterances.query("split == 'dev'")) == 6 * 7
    assert (
        len({read(tree, split_seed=seed).utterances.iloc[77]["utterance_id"] for seed in range(6)})
        > 1
    )


def test_six_classes_keep_other_turns_as_context(tree):
    corpus = read(tree)
    assert corpus.classes == ["happy", "sad", "neutral", "angry", "excited", "frustrated"]
    labels = corpus.labels.query("utterance_id.str.startswith('test/Ses05F_impro01/')")["label"]
    assert labels.tolist()[:6] == corpus.classes
    assert labels.isna().tolist() == [False] * 6 + [True]


def test_four_classes_count_excited_as_happy(tree):
    corpus = read(tree, label_set="four")
    assert corpus.classes == ["happy", "sad", "neutral", "angry"]
    assert label_of(corpus, "test/Ses05F_impro01/F004") == "happy"
    assert corpus.labels["label"].isna().sum() == 15 * 2


def test_a_subset_of_the_classes_makes_context_of_the_rest(tree):
    corpus = read(tree, classes=["sad", "angry"])
    assert corpus.classes == ["sad", "angry"]
    assert corpus.labels["label"].notna().sum() == 15 * 2


def test_the_speaker_is_the_utterances_letter(tree):
    corpus = read(tree)
    assert row_of(corpus, "test/Ses05M_script01_1/F000").speaker == "Ses05_F"
    assert row_of(corpus, "test/Ses05M_script01_1/M001").speaker == "Ses05_M"
    assert row_of(corpus, "test/Ses05F_impro01/F000").speaker == "Ses05_F"


def test_the_crop_is_the_speakers_half(tree):
    corpus = read(tree)
    crop = {
        name: row_of(corpus, f"test/{name}").media_crop
        for name in (
            "Ses05F_impro01/F000",
            "Ses05F_impro01/M001",
            "Ses05M_script01_1/F000",
            "Ses05M_script01_1/M001",
        )
    }
    assert list(crop.values()) == ["left", "right", "right", "left"]


def test_picture_by_time_and_sound_by_sentence(tree):
    row = row_of(read(tree), "test/Ses05M_script01_1/M001")
    assert row.media_path == "Session5/dialog/avi/DivX/Ses05M_script01_1.avi"
    assert (row.media_start_s, row.media_end_s) == (2.5, 4.5)
    assert row.annotated_duration_s == 2.0
    sentence = "Session5/sentences/wav/Ses05M_script01_1/Ses05M_script01_1_M001.wav"
    assert row.audio_path == sentence


def test_a_name_that_begins_with_another_is_another_dialogue(tree):
    dialogues = set(read(tree).utterances["dialogue_id"])
    assert {"test/Ses05M_script01_1", "test/Ses05M_script01_1b"} <= dialogues


def test_turns_are_ordered_by_their_start(tree):
    turns = [("M000", 5, 6, "Second.", "neu"), ("F000", 1, 2, "First.", "sad")]
    iemocap_dialogue(tree, "Ses05F_impro02", turns)
    rows = read(tree).utterances.query("dialogue_id == 'test/Ses05F_impro02'")
    assert rows["text"].tolist() == ["First.", "Second."]


def test_unrated_and_untranscribed_turns_stay(tree):
    turns = [
        ("F000", 1, 2, "Rated.", "neu"),
        ("MXX0", 2, 3, "Mm.", None),
        ("F001", 3, 4, None, "sad"),
    ]
    iemocap_dialogue(tree, "Ses05F_impro02", turns)
    corpus = read(tree)
    assert corpus.labels.set_index("utterance_id").loc["test/Ses05F_impro02/MXX0"].isna()["label"]
    assert row_of(corpus, "test/Ses05F_impro02/MXX0").speaker == "Ses05_M"
    assert label_of(corpus, "test/Ses05F_impro02/F001") == "sad"
    assert row_of(corpus, "test/Ses05F_impro02/F001").note == "not transcribed"


def test_dot_underscore_files_and_subfolders_are_ignored(tree):
    before = len(read(tree).utterances)
    for part in ("transcriptions", "EmoEvaluation"):
        make_clips(tree / "Session1/dialog" / part, ["._Ses01F_impro01.txt"])
    make_clips(tree / "Session1/dialog/EmoEvaluation/Categorical", ["Ses01F_impro01_e2_cat.txt"])
    make_clips(tree / "Session1/dialog/avi/DivX", ["._Ses01F_impro01.avi"])
    assert len(read(tree).utterances) == before


def test_untimed_lines_are_no_turns_and_are_logged(tree, caplog):
    path = tree / "Session1/dialog/transcriptions/Ses01F_impro01.txt"
    path.write_text(path.read_text() + "M: Yes.\n\nF: No.\n")
    assert len(read(tree).utterances) == 15 * 7
    assert "2 lines without an id" in caplog.text


def test_media_are_named_whether_they_are_there_or_not(tree):
    before = row_of(read(tree), "test/Ses05F_impro01/F000")
    (tree / "Session5/dialog/avi/DivX/Ses05F_impro01.avi").unlink()
    (tree / "Session5/sentences/wav/Ses05F_impro01/Ses05F_impro01_F000.wav").unlink()
    after = row_of(read(tree), "test/Ses05F_impro01/F000")
    assert after.dropna().to_dict() == before.dropna().to_dict()


def test_reversed_times_are_noted_and_do_not_open_the_whole_recording(tree):
    iemocap_dialogue(tree, "Ses05F_impro02", [("F000", 9, 4, "Back.", "neu")])
    row = row_of(read(tree), "test/Ses05F_impro02/F000")
    assert (row.media_start_s, row.media_end_s) == (9, 4)
    assert row[["annotated_duration_s"]].isna().all()
    assert row.note == "annotated times are reversed"


def test_the_folder_above_the_release_will_do(tmp_path):
    make_iemocap(tmp_path / "IEMOCAP_full_release")
    row = row_of(read(tmp_path), "test/Ses05F_impro01/F000")
    assert row.media_path.startswith("IEMOCAP_full_release/Session5/")


def test_a_session_that_is_missing_is_named(tree):
    for file in (tree / "Session3/dialog/transcriptions").iterdir():
        file.unlink()
    with pytest.raises(InputError, match=r"Session3.*no transcriptions"):
        annotation_files(IEMOCAP, tree)


@pytest.mark.parametrize(
    ("part", "old", "new", "message"),
    [
        ("EmoEvaluation", "\tneu\t", "\tcalm\t", r"line 11: emotion 'calm'; expected one of hap"),
        ("EmoEvaluation", " - 2.0000]", " 2.0000]", r"line 3: unreadable; expected '\[start"),
        ("transcriptions", "Ses01F_impro01_", "Ses01F_impro09_", r"has no turn; expected lines"),
    ],
)
def test_unreadable_annotations_are_refused(tree, part, old, new, message):
    path = tree / "Session1/dialog" / part / "Ses01F_impro01.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=rf"Ses01F_impro01\.txt: {message}"):
        read(tree)


def test_unknown_classes_are_refused(tree):
    with pytest.raises(InputError, match=r"corpus\.classes: 'joy' is not in label set six"):
        read(tree, classes=["sad", "joy"])
