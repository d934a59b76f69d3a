"""What stays together when splits are drawn, and what is resampled."""

from dataclasses import replace

import pytest
from made_corpora import SETTINGS, write_table

from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError

TABLE = SETTINGS["table"]


def rows_of(dialogues, **columns):
    """Two turns a dialogue: (speakers, ...) by dialogue; other columns by dialogue too."""
    rows = []
    for number, speakers in enumerate(dialogues):
        for turn, speaker in enumerate(speakers):
            row = {
                "dialogue": f"d{number}",
                "utterance": str(turn),
                "speaker": speaker,
                "text": f"Turn {turn}.",
                "label": ["calm", "cross"][(number + turn) % 2],
            }
            rows.append(row | {name: values[number] for name, values in columns.items()})
    return rows


def read(folder, rows, **settings):
    write_table(folder / "utterances.tsv", rows)
    return read_corpus(replace(TABLE, **settings), folder)


def splits_by(corpus, column):
    return corpus.utterances.groupby(column)["split"].nunique()


MONOLOGUES = [(f"actor{number % 6}",) * 2 for number in range(36)]


def test_speakers_stay_together_where_each_dialogue_has_one(tmp_path):
    corpus = read(tmp_path, rows_of(MONOLOGUES))
    assert corpus.split_by == "speaker"
    assert splits_by(corpus, "speaker").max() == 1
    assert set(corpus.utterances["split"]) == {"train", "dev", "test"}
    assert (corpus.utterances["split_group"] == corpus.utterances["speaker"]).all()
    assert any("drawn from 6 speakers: 1 for test, 1 for dev" in one for one in corpus.notices)


def test_dialogues_stay_together_where_speakers_meet(tmp_path):
    corpus = read(tmp_path, rows_of([("Ann", "Ben")] * 12))
    assert corpus.split_by == "dialogue"
    assert (corpus.utterances["split_group"] == corpus.utterances["dialogue_id"]).all()


def test_two_speakers_do_not_make_three_splits(tmp_path):
    assert read(tmp_path, rows_of([("Ann",) * 2, ("Ben",) * 2] * 6)).split_by == "dialogue"


def test_a_column_of_groups_comes_first(tmp_path):
    sessions = [f"s{number % 5}" for number in range(36)]
    corpus = read(tmp_path, rows_of(MONOLOGUES, session=sessions), columns={"session": "group"})
    assert corpus.split_by == "group"
    assert splits_by(corpus, "split_group").max() == 1
    assert set(corpus.utterances["split_group"]) == set(sessions)


def test_speakers_who_meet_are_dealt_as_one(tmp_path):
    dialogues = [("Ann", "Ben"), ("Ben", "Cid"), ("Dan", "Eve"), ("Fay", "Gus"), ("Hal", "Ida")]
    corpus = read(tmp_path, rows_of(dialogues * 4), split_by="speaker")
    assert splits_by(corpus, "speaker").max() == 1
    groups = corpus.utterances.groupby("speaker")["split_group"].first()
    assert groups["Ann"] == groups["Ben"] == groups["Cid"]
    assert corpus.utterances["split_group"].nunique() == 4


def test_speakers_who_meet_are_one_within_a_given_split_only(tmp_path):
    dialogues = [("Ann", "Ben"), ("Cid", "Dan"), ("Ann", "Cid"), ("Eve", "Fay")]
    splits = ["test", "test", "train", "dev"]
    corpus = read(tmp_path, rows_of(dialogues, split=splits), split_by="speaker")
    groups = corpus.utterances.groupby("split")["split_group"].nunique()
    assert groups.to_dict() == {"train": 1, "dev": 1, "test": 2}


def test_speakers_who_all_meet_cannot_be_dealt(tmp_path):
    with pytest.raises(InputError, match="has 1 speakers, and 2 would be set aside"):
        read(tmp_path, rows_of([("Ann", "Ben")] * 12), split_by="speaker")


def test_splits_of_the_table_are_kept_and_speakers_are_what_is_resampled(tmp_path):
    splits = ["train"] * 24 + ["dev"] * 6 + ["test"] * 6
    corpus = read(tmp_path, rows_of(MONOLOGUES, split=splits))
    assert corpus.split_by == "speaker"
    assert (corpus.utterances["split"] == "test").sum() == 12
    assert corpus.utterances.loc[corpus.utterances["split"] == "test", "split_group"].nunique() == 6


def test_one_test_speaker_leaves_dialogues_to_resample(tmp_path):
    splits = [
        {"actor0": "test", "actor1": "dev"}.get(speaker, "train") for speaker, _ in MONOLOGUES
    ]
    assert read(tmp_path, rows_of(MONOLOGUES, split=splits)).split_by == "dialogue"


@pytest.mark.parametrize(
    ("groups", "settings", "message"),
    [
        (None, {"split_by": "group"}, "the corpus has no column group"),
        (["s0"] * 11 + [None], {}, "line 24: no group; expected one in each row"),
    ],
)
def test_groups_that_cannot_be_used_are_refused(tmp_path, groups, settings, message):
    columns = {} if groups is None else {"group": groups}
    with pytest.raises(InputError, match=message):
        read(tmp_path, rows_of([("Ann", "Ben")] * 12, **columns), **settings)


def test_a_dialogue_in_two_groups_is_refused(tmp_path):
    rows = rows_of([("Ann", "Ben")] * 12, group=["s0"] * 12)
    rows[1]["group"] = "s1"
    with pytest.raises(InputError, match="dialogue d0 is in 2 groups"):
        read(tmp_path, rows)


def test_a_class_name_with_a_line_break_is_refused(tmp_path):
    rows = rows_of([("Ann", "Ben")] * 12)
    names = {"calm": "ca\nlm"}
    with pytest.raises(InputError, match="has a line break or another control character"):
        read(tmp_path, rows, labels=names)
