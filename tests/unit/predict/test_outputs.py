"""Every output holds every turn, is read back by other programs, and is whole or not there."""

import json
import os
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from made_media import write_media
from made_predictions import CLASSES, MARKUP, SAID, make_made_prediction

from cberl.artifacts import read_header, read_matrix, read_table
from cberl.errors import InputError
from cberl.predict.outputs.prediction_page import clock, render_prediction_page, to_percent
from cberl.predict.outputs.text_outputs import css_names
from cberl.predict.outputs.write_outputs import (
    check_folder,
    file_names,
    whole_folder,
    write_outputs,
)
from cberl.predict.prediction import Prediction
from cberl.predict.tables import TURNS
from cberl.predict.transcripts.read_transcript import read_transcript
from cberl.report.figures import ink_on

SEEN = ["It's fine.", 'He said "no" --> & left <b>me</b>.', MARKUP, "你好, odd", ""]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A prediction, the folder of its outputs and the recording beside it."""
    root = tmp_path_factory.mktemp("written")
    media = write_media(root / "rec/a talk.mp4", None, 8)
    prediction = make_made_prediction(media)
    write_outputs(root / "out", prediction, root, {"rule": "test"}, {"a talk": 8.0})
    return prediction, root / "out", media


@pytest.mark.parametrize(("name", "player"), [("talk.wma", "<audio"), ("talk.mpeg", "<video")])
def test_the_page_plays_a_recording_by_its_kind(tmp_path, name, player):
    (tmp_path / name).write_bytes(b"")
    page = render_prediction_page(
        make_made_prediction(tmp_path / name), "a talk", tmp_path, tmp_path
    )
    assert [tag for tag in ("<audio", "<video") if tag in page] == [player]


@pytest.mark.parametrize(
    ("probability", "shown"), [(0.985, 98), (0.9853, 99), (0.4999, 49), (0.5, 50), (0.004, 0)]
)
def test_percentages_are_rounded_and_stay_below_the_bound(probability, shown):
    assert to_percent(probability) == shown


def test_one_file_of_each_kind_and_nothing_else(written):
    _, folder, _ = written
    names = ["a_talk.TextGrid", "a_talk.eaf", "a_talk.html", "a_talk.vtt"]
    assert sorted(os.listdir(folder)) == [*names, "turns.jsonl", "turns.parquet"]
    assert sorted(os.listdir(folder.parent)) == ["out", "rec"]


def test_the_table_holds_what_follows_from_the_probabilities(written):
    _prediction, folder, _ = written
    table = read_table(folder / "turns.parquet", TURNS)
    probabilities = read_matrix(folder / "turns.parquet", "probabilities")
    assert read_header(folder / "turns.parquet")["metadata"]["classes"] == CLASSES
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert list(table["predicted"]) == [CLASSES[n] for n in probabilities.argmax(axis=1)]
    assert np.allclose(table["confidence"], probabilities.max(axis=1))
    assert list(table["uncertain"]) == [False, True, False, False, True, False]
    expected = -(probabilities * np.log(probabilities)).sum(axis=1)
    assert np.allclose(table["entropy"], expected, atol=1e-5)
    assert table["label"].isna().all()


def test_an_impossible_class_adds_nothing_to_the_entropy():
    from cberl.predict.prediction import make_prediction

    turns = make_made_prediction(None).turns.iloc[:1]
    with np.errstate(divide="ignore"):
        made = make_prediction(turns, np.log(np.array([[1.0, 0.0]])), ["a", "b"], {})
    assert made.turns["entropy"].tolist() == [0.0]
    assert made.turns["confidence"].tolist() == [1.0]


def test_json_lines(written):
    _prediction, folder, media = written
    rows = [json.loads(line) for line in (folder / "turns.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == [text for *_, text, _ in SAID]
    assert rows[1]["probabilities"] == {
        "neutral": 0.3,
        "joy": 0.4,
        "Anger & fear": 0.2,
        "joy!": 0.1,
    }
    assert [row["utterance"] for row in rows[:2]] == ["000", "001"]
    assert rows[5]["start_s"] is None
    assert rows[5]["available"] == ["text"]
    assert rows[5]["missing"] == {"audio": "empty_window", "video": "not_requested"}
    assert rows[0]["label"] is None
    assert rows[0]["media_path"] == str(media)
    assert rows[2]["note"] == "overlaps a turn before it"


def test_turns_without_times_are_counted_in_one_line(tmp_path, caplog):
    parts = [make_made_prediction(None, name) for name in ("a", "b")]
    turns = pd.concat([part.turns for part in parts], ignore_index=True)
    chances = np.concatenate([part.probabilities for part in parts])
    both = Prediction(turns, chances, CLASSES, parts[0].model)
    write_outputs(tmp_path / "out", both, tmp_path, {"rule": "test"}, {})
    assert caplog.messages == [
        "turns without times are in no timeline (ELAN, TextGrid, WebVTT): 2 in 2 of 2"
        " conversations, first a"
    ]


def test_elan_is_read_back_by_pympi(written):
    from pympi import Eaf

    _, folder, media = written
    document = Eaf(str(folder / "a_talk.eaf"))
    tops = [
        name
        for name in document.get_tier_names()
        if document.get_parameters_for_tier(name).get("PARENT_REF") is None
    ]
    assert tops == ["Ann", "Ben", "Ben (2)", MARKUP, "unknown"]
    said = sorted(row[:3] for tier in tops for row in document.get_annotation_data_for_tier(tier))
    expected = [(round(1000 * start), round(1000 * end)) for start, end, *_ in SAID[:5]]
    assert [row[:2] for row in said] == expected
    assert [row[2] for row in said] == SEEN
    predicted = document.get_ref_annotation_data_for_tier("Ben predicted")
    assert [row[:4] for row in predicted] == [(2000, 3250, "joy", SEEN[1])]
    assert document.get_ref_annotation_data_for_tier("Ben (2) predicted")[0][2] == "Anger & fear"
    assert document.get_ref_annotation_data_for_tier("Ben confidence")[0][2] == "0.400"
    assert document.get_ref_annotation_data_for_tier("Ann label") == []
    values = document.get_cv_entries("emotions").values()
    assert [value[0][0] for value, _ in values] == CLASSES
    (linked,) = document.get_linked_files()
    assert linked["RELATIVE_MEDIA_URL"] == "../rec/a talk.mp4"
    assert linked["MEDIA_URL"] == media.as_uri()


def test_elan_is_valid_xml_with_the_same_bytes_every_time(written, tmp_path):
    prediction, folder, _media = written
    write_outputs(tmp_path / "deep/out", prediction, tmp_path, {}, {})
    once, again = (where / "a_talk.eaf" for where in (folder, tmp_path / "deep/out"))
    own = [
        element.attrib.pop("RELATIVE_MEDIA_URL")
        for path in (once, again)
        for element in ElementTree.parse(path).iter("MEDIA_DESCRIPTOR")
    ]
    assert len(own) == 2
    strip = [
        path.read_text().replace(url, "") for path, url in zip((once, again), own, strict=True)
    ]
    assert strip[0] == strip[1]


def test_a_textgrid_is_read_back_by_praatio(written):
    from praatio import textgrid

    _, folder, _ = written
    grid = textgrid.openTextgrid(str(folder / "a_talk.TextGrid"), includeEmptyIntervals=False)
    assert grid.maxTimestamp == 8.0
    assert grid.tierNames == (
        *("Ann", "Ann predicted", "Ben", "Ben predicted", "Ben (2)", "Ben (2) predicted"),
        *(MARKUP, f"{MARKUP} predicted", "unknown", "unknown predicted"),
    )
    assert [tuple(entry) for entry in grid.getTier("Ben").entries] == [(2.0, 3.25, SEEN[1])]
    assert [tuple(entry) for entry in grid.getTier("Ben (2) predicted").entries] == [
        (3.0, 4.5, "Anger & fear")
    ]


def test_webvtt_names_speaker_and_emotion(written):
    _, folder, _ = written
    text = (folder / "a_talk.vtt").read_text(encoding="utf-8")
    assert "<v Ben><c.joy.uncertain>He said" in text
    assert "::cue(.anger-fear) { color: #000000; background-color: #" in text
    assert "00:00:02.000 --> 00:00:03.250" in text
    turns = read_transcript(folder / "a_talk.vtt")
    assert list(turns["text"]) == SEEN
    assert list(turns["speaker"]) == [speaker for *_, speaker, _, _ in SAID[:5]]


@pytest.mark.parametrize(
    ("background", "ink"),
    [
        ("#000000", "#ffffff"),
        ("#0072B2", "#ffffff"),
        ("#F0E442", "#000000"),
        ("#D55E00", "#000000"),
    ],
)
def test_words_on_a_colour_can_be_read(background, ink):
    assert ink_on(background) == ink


def test_classes_have_names_that_no_other_has():
    names = css_names(["joy", "joy!", "Joy", "悲", "uncertain", "2nd"])
    assert names == {
        "joy": "joy",
        "joy!": "class-1",
        "Joy": "class-2",
        "悲": "class-3",
        "uncertain": "class-4",
        "2nd": "class-5",
    }


def test_the_page_shows_every_turn_and_runs_nothing_that_was_said(written):
    _, folder, _ = written
    page = (folder / "a_talk.html").read_text(encoding="utf-8")
    assert page.count("<script>") == page.count("</script>") == 1
    assert page.count("&lt;script&gt;document.title=") >= 3
    assert page.count('class="turn') - page.count('class="turns') == len(SAID)
    assert 'src="../rec/a%20talk.mp4"' in page
    assert "http" not in page.replace("http-equiv", "")
    assert "no audio (empty window)" in page


def test_the_page_of_a_conversation_without_recording_says_so(tmp_path):
    prediction = make_made_prediction(None)
    write_outputs(tmp_path / "out", prediction, tmp_path, {}, {})
    page = (tmp_path / "out/a_talk.html").read_text(encoding="utf-8")
    assert "There is no recording beside this page." in page
    assert "<video" not in page


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "–"), (0, "0:00"), (83.9, "1:23"), (3723, "1:02:03")]
)
def test_times_as_people_write_them(seconds, shown):
    assert clock(seconds) == shown


def test_file_names_are_safe_and_apart():
    names = file_names(["../../etc", "a/b", "a_b", "A_B", "turns", "", "会议"])
    assert names == {
        "../../etc": "etc",
        "a/b": "a_b",
        "a_b": "a_b-2",
        "A_B": "A_B-3",
        "turns": "turns-2",
        "": "conversation",
        "会议": "会议",
    }


def test_an_empty_folder_is_taken_and_a_full_one_refused(tmp_path):
    prediction = make_made_prediction(None)
    (tmp_path / "empty").mkdir()
    write_outputs(tmp_path / "empty", prediction, tmp_path, {}, {})
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "empty").iterdir()}
    for refuse in (
        lambda: check_folder(tmp_path / "empty"),
        lambda: write_outputs(tmp_path / "empty", prediction, tmp_path, {}, {}),
    ):
        with pytest.raises(InputError, match="is not empty; expected a new or empty folder"):
            refuse()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "empty").iterdir()} == before
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file; expected a new or empty folder"):
        check_folder(tmp_path / "file")


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        check_folder("/proc/nothing/out")
    check_folder(tmp_path / "new/folder")
    assert not (tmp_path / "new").exists()


def test_nothing_is_left_of_outputs_that_failed(tmp_path, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("no more")

    monkeypatch.setattr("cberl.predict.outputs.write_outputs.write_textgrid", fail)
    with pytest.raises(RuntimeError, match="no more"):
        write_outputs(tmp_path / "out", make_made_prediction(None), tmp_path, {}, {})
    assert os.listdir(tmp_path) == []


def test_two_writers_of_one_folder_do_not_mix(tmp_path):
    folder = tmp_path / "out"
    with whole_folder(folder) as first:
        (first / "early").write_text("first")
        check_folder(folder)
        with pytest.raises(InputError, match="nothing was kept"), whole_folder(folder) as second:
            (second / "early").write_text("second")
            with whole_folder(folder) as third:
                (third / "early").write_text("third")
        (folder / "early").unlink()
        (first / "late").write_text("first")
    assert sorted(path.read_text() for path in folder.iterdir()) == ["first", "first"]
    assert os.listdir(tmp_path) == ["out"]


def test_what_a_killed_writer_left_is_removed(tmp_path):
    (tmp_path / ".out.0123abcd.part/more").mkdir(parents=True)
    check_folder(tmp_path / "out")
    assert os.listdir(tmp_path) == []


def test_a_folder_above_that_another_one_writes_into_stays(tmp_path):
    with whole_folder(tmp_path / "new/one", keep=False):
        (tmp_path / "new/other").mkdir()
    assert os.listdir(tmp_path / "new") == ["other"]
