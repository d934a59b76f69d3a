"""Columns by other names: mapped by the configuration, refused where they are likely meant."""

import re
from dataclasses import replace

import pytest
from made_corpora import SETTINGS, table_rows, write_table

from cberl.corpus.readers.column_names import map_columns, words_of
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError

KNOWN = (
    *("dialogue", "utterance", "speaker", "text", "label"),
    *("split", "media", "start", "end", "audio"),
)
OURS = ("dialogue", "utterance", "speaker", "text", "label", "split", "media", "start", "end")


def with_names(**theirs):
    """The columns of a whole table, some under other names; ours are left out where None."""
    return [theirs.get(name, name) for name in OURS if theirs.get(name, name) is not None]


def message_of(found, mapping=None):
    with pytest.raises(InputError) as raised:
        map_columns("t.tsv", found, KNOWN, mapping or {}, KNOWN)
    return str(raised.value)


SYNONYMS = [
    *[("start", name) for name in ("start_time", "begin", "onset", "StartTime", "Start (s)")],
    *[("start", name) for name in ("start_sec", "segment_start", "tmin", "from", "t0", "START")],
    *[("end", name) for name in ("end_time", "stop", "offset", "EndTime", "End (s)", "end_sec")],
    *[("end", name) for name in ("endTimestamp", "xmax", "to", "stopseconds", "utterance end")],
    *[("split", name) for name in ("partition", "set", "fold", "subset", "data_split", "Split")],
    *[("media", name) for name in ("file", "filename", "path", "video_path", "clip", "wav")],
    *[("text", name) for name in ("transcript", "Transcription", "sentence", "raw_text", "txt")],
    *[("label", name) for name in ("emotion", "Emotion", "class", "gold_label", "sentiment")],
    *[("speaker", name) for name in ("Speaker", "speaker_id", "actor", "participant", "talker")],
    *[("dialogue", name) for name in ("Dialogue_ID", "conversation", "dialog", "video_id")],
    *[("utterance", name) for name in ("Utterance_ID", "turn", "utt_id", "sentence_id", "clip id")],
]


@pytest.mark.parametrize(("ours", "theirs"), SYNONYMS)
def test_a_known_synonym_is_refused_with_the_mapping_to_write(ours, theirs):
    message = message_of(with_names(**{ours: theirs}))
    assert "\n" not in message
    assert f"corpus.columns: {{{theirs}: {ours}}}" in message
    mapped = map_columns("t.tsv", with_names(**{ours: theirs}), KNOWN, {theirs: ours}, KNOWN)
    assert mapped[ours] == theirs


def test_all_that_is_called_otherwise_is_told_at_once():
    found = ["Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID"]
    message = message_of([*found, "Utterance_ID", "Season", "StartTime", "EndTime"])
    assert (
        "{Dialogue_ID: dialogue, Utterance_ID: utterance, Speaker: speaker, Utterance: text, "
        "Emotion: label, StartTime: start, EndTime: end}"
    ) in message


def test_a_transcript_called_utterance_is_told_from_its_number():
    message = message_of(["dialogue", "utterance_id", "speaker", "utterance", "label"])
    assert "{utterance_id: utterance, utterance: text}" in message


def test_a_synonym_of_a_column_that_is_there_is_no_mistake():
    found = [*with_names(), "file", "emotion", "start_time", "sentence", "set"]
    assert map_columns("t.tsv", found, KNOWN, {}, KNOWN) == {name: name for name in OURS}


@pytest.mark.parametrize(
    "name", ["speaker_gender", "end_of_turn", "remark", "valence", "情感", "start_word_index_of"]
)
def test_other_columns_are_none_of_ours(name):
    found = [one for one in OURS if one not in ("split", "start", "end", "media")]
    assert name not in map_columns("t.tsv", [*found, name], KNOWN, {}, KNOWN)


def test_null_leaves_a_column_out():
    found = [*with_names(split=None), "fold"]
    assert "split" not in map_columns("t.tsv", found, KNOWN, {"fold": None}, KNOWN)


def test_two_columns_may_change_places():
    swap = {"start": "end", "end": "start"}
    mapped = map_columns("t.tsv", with_names(), KNOWN, swap, KNOWN)
    assert (mapped["start"], mapped["end"]) == ("end", "start")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"strat_time": "start"}, r"no column strat_time \(did you mean start_time\?\); found"),
        ({"start_time": "begin"}, r"start_time is to be begin; expected one of dialogue, "),
        ({"start_time": "strat"}, r"is to be strat \(did you mean start\?\)"),
        ({"start_time": "text"}, r"start_time is to be text, but t\.tsv has a column text too"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(mapping, message):
    with pytest.raises(InputError, match=message):
        map_columns("t.tsv", with_names(start="start_time"), KNOWN, mapping, KNOWN)


@pytest.mark.parametrize(("name", "unit"), [("start_ms", "ms"), ("begin frame", "frames")])
def test_times_in_another_unit_are_not_mapped(name, unit):
    message = message_of(with_names(start=name))
    assert f"column {name} is in {unit}; expected a column start in seconds" in message


def test_a_length_in_place_of_an_end_is_told():
    message = message_of(with_names(end="duration"))
    assert "column duration is a length, but there is no end" in message
    message = message_of(with_names(start="offset", end="duration"))
    assert "{offset: start}" in message


def test_words_of_names():
    assert words_of("StartTime (s)") == ["start", "time", "s"]
    assert words_of("data-split_NR") == ["data", "split", "nr"]


def test_a_mapped_table_reads_like_one_with_our_names(tmp_path):
    rows = table_rows()
    write_table(tmp_path / "ours.tsv", rows)
    theirs = [{"conv": row["dialogue"], "Emo (gold)": row["label"], **row} for row in rows]
    for row in theirs:
        del row["dialogue"], row["label"]
    write_table(tmp_path / "theirs.tsv", theirs)
    columns = {"conv": "dialogue", "Emo (gold)": "label"}
    ours = read_corpus(replace(SETTINGS["table"], file="ours.tsv"), tmp_path)
    other = read_corpus(replace(SETTINGS["table"], file="theirs.tsv", columns=columns), tmp_path)
    assert other.utterances.equals(ours.utterances)
    assert other.labels.equals(ours.labels)


@pytest.mark.parametrize(
    ("name", "cells", "mapping"),
    [
        ("Datensatz", ("train", "train", "dev", "test"), "{Datensatz: split}"),
        ("numero", ("Training", "validation"), "{numero: split}"),
        ("is_test", ("0", "1"), "{is_test: null}"),
        ("train?", ("yes", "no"), "{'train?': null}"),
        ("Datei", ("a.WAV", "b.wav"), "{Datei: media}"),
        ("音频", ("x/a.mp4", "x/b.mov", ""), "{音频: media}"),
    ],
)
def test_columns_are_told_by_what_is_in_them_too(tmp_path, name, cells, mapping):
    rows = [{**row, name: cells[at % len(cells)]} for at, row in enumerate(table_rows())]
    write_table(tmp_path / "utterances.tsv", rows)
    with pytest.raises(InputError, match=f"column {re.escape(name)} .*{re.escape(mapping)}"):
        read_corpus(SETTINGS["table"], tmp_path)
    left_out = replace(SETTINGS["table"], columns={name: None})
    assert not any("not read" in notice for notice in read_corpus(left_out, tmp_path).notices)


def test_all_that_is_missing_is_named_at_once(tmp_path):
    rows = [{"dialogue": row["dialogue"], "感情": row["label"]} for row in table_rows()]
    write_table(tmp_path / "utterances.tsv", rows)
    with pytest.raises(InputError, match=r"no column utterance, speaker; .*ITS NAME: utterance"):
        read_corpus(SETTINGS["table"], tmp_path)


def test_names_of_labels_come_before_their_numbers():
    assert "{emotion: label}" in message_of([*with_names(label=None), "label_id", "emotion"])


def test_times_that_are_hardly_seconds_are_noticed(tmp_path):
    rows = [
        {**row, "media": f"{at}.mp4", "start": at * 1000, "end": at * 1000 + 900}
        for at, row in enumerate(table_rows())
    ]
    write_table(tmp_path / "utterances.tsv", rows)
    notices = read_corpus(SETTINGS["table"], tmp_path).notices
    told = "an utterance lasts 900 s in the median by start and end"
    assert any(notice.startswith(told) for notice in notices)


def many_of_one_recording(**columns):
    return [{**row, "media": "talk.mp4", **columns} for row in table_rows()]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, r"line 2: has no times, though 20 rows name 'talk\.mp4'"),
        ({"end": ""}, r"has no end, though 20 rows name 'talk\.mp4' and others start later"),
        ({"start": "1", "end": "2", "audio": "a.wav"}, r"20 rows name the sound 'a\.wav'"),
    ],
)
def test_rows_that_would_each_get_all_of_a_recording_are_refused(tmp_path, columns, message):
    rows = many_of_one_recording(**columns)
    if columns == {"end": ""}:
        rows = [{**row, "start": str(number)} for number, row in enumerate(rows)]
    write_table(tmp_path / "utterances.tsv", rows)
    with pytest.raises(InputError, match=message):
        read_corpus(SETTINGS["table"], tmp_path)
    assert read_corpus(replace(SETTINGS["table"], shared_media=True), tmp_path)


def test_features_need_no_times_or_files(tmp_path):
    rows = [{**row, "file": "x.mp4", "text_features": [1.0, 2.0]} for row in table_rows()]
    write_table(tmp_path / "mine.parquet", rows)
    corpus = read_corpus(replace(SETTINGS["features"], file="mine.parquet"), tmp_path)
    assert corpus.notices[0] == "mine.parquet: not read: column file"
