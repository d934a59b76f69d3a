"""Transcripts of every kind become the same table, and nothing in them is lost or guessed."""

import json

import numpy as np
import pytest

from cberl.errors import InputError
from cberl.predict.transcripts.read_transcript import read_transcript
from cberl.predict.transcripts.speakers import split_prefix
from cberl.predict.transcripts.turn_rows import TURN_COLUMNS, UNKNOWN_SPEAKER, order_turns

SAID = [(0.5, 2.0, "Ann", "It's fine."), (2.25, 4.0, "Ben", "No — it is not.")]
SRT = """1
00:00:00,500 --> 00:00:02,000
Ann: It's fine.

2
00:00:02,250 --> 00:00:04,000
BEN: No — it is
not.
"""
VTT = """WEBVTT - a title

NOTE of the
translator

STYLE
::cue { color: red }

first
00:00.500 --> 00:02.000 align:start position:10%
<v Ann>It's <i>fine</i>.</v>

00:00:02.250 --> 00:00:04.000
<v.loud Ben>No — it is <00:00:03.000>not.
"""
WHISPERX = {
    "segments": [
        {"start": 0.5, "end": 2.0, "text": " It's fine.", "speaker": "Ann", "words": []},
        {"start": 2.25, "end": 4.0, "text": " No — it is not.", "speaker": "Ben"},
    ],
    "language": "en",
}
WHISPER = {
    "text": "Ann: It's fine. Ben: No — it is not.",
    "segments": [
        {"id": 0, "start": 0.5, "end": 2.0, "text": " Ann: It's fine.", "tokens": [1]},
        {"id": 1, "start": 2.25, "end": 4.0, "text": " Ben: No — it is not."},
    ],
}
TSV = (
    "start\tend\tspeaker\ttext\n0.5\t2.0\tAnn\tIt's fine.\n0:00:02.25\t0:04\tBen\tNo — it is not.\n"
)
CSV = 'Text,Start,End,Speaker,Score\nIt\'s fine.,0.5,2,Ann,1\n"No — it is not.",2.25,4,Ben,2\n'
KINDS = {
    "a.srt": SRT.replace("BEN", "Ben"),
    "a.vtt": VTT,
    "vtt_called_srt.srt": VTT,
    "a.tsv": TSV,
    "a.csv": CSV,
    "semicolons.csv": TSV.replace("\t", ";"),
    "whisperx.json": json.dumps(WHISPERX),
    "whisper.json": json.dumps(WHISPER),
}


def read(tmp_path, name, content, encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(content.encode(encoding))
    return read_transcript(path)


def rows(turns):
    return list(turns[["start_s", "end_s", "speaker", "text"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_gives_the_same_turns(tmp_path, name):
    turns = read(tmp_path, name, KINDS[name])
    assert tuple(turns.columns) == TURN_COLUMNS
    assert rows(turns) == SAID
    assert turns["note"].isna().all()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, end):
    assert rows(read(tmp_path, "a.srt", KINDS["a.srt"].replace("\n", end), encoding)) == SAID


def test_control_codes_become_the_signs_that_they_stand_for(tmp_path):
    assert read(tmp_path, "a.srt", SRT.replace("It's", "It\x92s"))["text"][0] == "It’s fine."


@pytest.mark.parametrize(
    ("line", "name", "rest"),
    [
        ("ROSS: Hi.", "ROSS", "Hi."),
        ("- Ross: Hi.", "Ross", "Hi."),
        (">> Ross: Hi.", "Ross", "Hi."),
        ("[SPEAKER_00]: Hi.", "SPEAKER_00", "Hi."),
        ("Speaker 1: Hi.", "Speaker 1", "Hi."),
        ("Dr. Ann O'Neil: Hi.", "Dr. Ann O'Neil", "Hi."),
        ("Phoebe/Waitress: Hi.", "Phoebe/Waitress", "Hi."),
        ("李雷：你好", "李雷", "你好"),
        ("Ross:", "Ross", ""),
        ("It is 10:30 now.", "", "It is 10:30 now."),
        ("See https://a.org/b", "", "See https://a.org/b"),
        ("And he said: go.", "", "And he said: go."),
        ("The one thing I know: no.", "", "The one thing I know: no."),
        ("Hi.", "", "Hi."),
    ],
)
def test_prefixes_that_name_a_speaker(line, name, rest):
    assert split_prefix(line) == (name, rest)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.srt", "1\n00:00:01,000 --> 00:00:05,000\n- Ann: Hi.\n- Ben: Hey you.\n"),
        ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Ann>Hi.</v>\n<v Ben>Hey you.</v>\n"),
    ],
)
def test_several_speakers_in_a_subtitle_share_its_time_with_a_note(tmp_path, name, text):
    turns = read(tmp_path, name, text)
    assert list(turns["speaker"]) == ["Ann", "Ben"]
    assert list(turns["text"]) == ["Hi.", "Hey you."]
    assert turns["start_s"].iloc[0] == 1
    assert turns["end_s"].iloc[1] == 5
    assert turns["end_s"].iloc[0] == turns["start_s"].iloc[1] == round(1 + 4 * 3 / 11, 6)
    assert turns["note"].str.contains("2 speakers in a subtitle").all()


def test_markup_is_text_unless_it_is_the_formats_own(tmp_path):
    markup = "<script>alert(1)</script> & <b>bold</b> <font color='red'>red</font>"
    srt = f"1\n00:00:01,000 --> 00:00:02,000\n{{\\an8}}{markup}\n"
    assert read(tmp_path, "a.srt", srt)["text"][0] == "<script>alert(1)</script> & bold red"
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v A &amp; B>1 &lt; 2 <img src=x></v>\n"
    turns = read(tmp_path, "a.vtt", vtt)
    assert (turns["speaker"][0], turns["text"][0]) == ("A & B", "1 < 2 <img src=x>")


def test_subtitles_without_blank_lines_or_numbers(tmp_path):
    srt = "00:00:01,000 --> 00:00:02,000\nOne.\n2\n00:00:03,000 --> 00:00:04,000\nTwo.\n"
    assert list(read(tmp_path, "a.srt", srt)["text"]) == ["One.", "Two."]


def test_text_after_a_blank_line_belongs_to_its_subtitle(tmp_path):
    srt = "1\n00:00:01,000 --> 00:00:02,000\nOne,\n\ntwo,\n \n3\n\n2\n"
    srt += "00:00:03,000 --> 00:00:04,000\n\n4\n\n3\n00:00:05,000 --> 00:00:06,000\n"
    assert list(read(tmp_path, "a.srt", srt)["text"]) == ["One, two, 3", "4", ""]
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n \nOne.\n\nname\n00:03.000 --> 00:04.000\nTwo.\n"
    assert list(read(tmp_path, "a.vtt", vtt)["text"]) == ["One.", "Two."]


def test_tags_of_substation_alpha_are_no_text(tmp_path):
    srt = "1\n00:00:01,000 --> 00:00:02,000\n{\\pos(19,2)\\c&HFFFFFF&}One {two}.\n"
    assert read(tmp_path, "a.srt", srt)["text"][0] == "One {two}."


@pytest.mark.parametrize(
    ("encoding", "text"), [("cp1251", "Привет, как дела?"), ("gbk", "今天天气真好。")]
)
def test_another_alphabet_is_not_read_as_latin(tmp_path, encoding, text):
    with pytest.raises(InputError, match=r"line 3: not UTF-8, and not cp1252, .* save it as such"):
        read(tmp_path, "a.srt", f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n", encoding)


def test_whispers_own_tsv_has_milliseconds_and_says_so(tmp_path):
    turns = read(tmp_path, "a.tsv", "start\tend\ttext\n500\t2000\tAnn: Hi.\n2250\t4000\tHey.\n")
    assert list(turns["start_s"]) == [0.5, 2.25]
    assert list(turns["speaker"]) == ["Ann", UNKNOWN_SPEAKER]
    assert (turns["note"] == "times in milliseconds").all()
    whole_seconds = read(tmp_path, "b.tsv", "start\tend\ttext\n5\t20\tHi.\n22\t40\tHey.\n")
    assert list(whole_seconds["start_s"]) == [5, 22]


def test_a_segment_that_the_aligner_could_not_place_keeps_its_turn(tmp_path):
    content = {"segments": [*WHISPERX["segments"], {"text": "Lost."}]}
    turns = order_turns(read(tmp_path, "a.json", json.dumps(content)))
    assert list(turns["text"])[-1] == "Lost."
    assert np.isnan(turns["start_s"].iloc[-1])
    assert "no times" in turns["note"].iloc[-1]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.srt", b"1\n00:00:xx --> 00:00:02,000\nHi.\n", "line 2: '00:00:xx -->"),
        ("a.srt", b"", "has no turn"),
        ("a.vtt", b"WEBVTT\n\n", "has no turn"),
        ("a.srt", SRT.encode("utf-16-le"), "line 1: holds a control character"),
        ("a.txt", b"Hi.", "ends in '.txt'; expected a transcript in .srt"),
        ("a.tsv", b"start\tend\n1\t2\n", "has no column text; found start, end"),
        ("a.csv", b"start,end,text\nsoon,2,Hi.\n", "line 2, column start: is 'soon'"),
        ("a.json", b"[1, 2]", "has no list of segments"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b'{"segments": [{"text": "a\\ud800"}]}', "segment 0: holds half of a character"),
        ("a.json", b'{"segments": [{"start": "x", "end": 1, "text": "a"}]}', "segment 0: start is"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        read_transcript(path)
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(str(path))
    assert "\n" not in str(refusal.value)


def test_a_transcript_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file; expected a transcript"):
        read_transcript(tmp_path / "a.srt")


def ordered(tmp_path, lines, duration_s=10.0):
    text = "start\tend\tspeaker\ttext\n" + "\n".join(lines) + "\n"
    return order_turns(read(tmp_path, "a.tsv", text), duration_s)


def test_turns_out_of_order_are_put_into_order_with_a_note(tmp_path):
    turns = ordered(tmp_path, ["4\t5\tA\tthird", "1\t2\tA\tfirst", "2\t3\tB\tsecond"])
    assert list(turns["text"]) == ["first", "second", "third"]
    moved = turns["note"].fillna("").str.contains("out of order")
    assert list(turns["text"][moved]) == ["first", "second"]


def test_what_is_odd_about_a_turn_is_noted_and_the_turn_is_kept(tmp_path):
    turns = ordered(
        tmp_path,
        [
            "0\t3\tA\tfine",
            "2\t4\tB\toverlapping",
            "4\t4\tB\tof no length",
            "5\t6\tB\t",
            "6\t7\t\tof nobody",
            "9\t12\tA\ttoo long",
            "11\t13\tA\tafterwards",
            "\t\tA\tnowhere",
        ],
    )
    notes = dict(zip(turns["text"], turns["note"], strict=True))
    assert notes == {
        "fine": None,
        "overlapping": "overlaps a turn before it",
        "of no length": "ends as it begins: neither sound nor picture are read",
        "": None,
        "of nobody": None,
        "too long": "ends after the end of the recording (10.00 s)",
        "afterwards": "begins after the end of the recording (10.00 s); overlaps a turn before it",
        "nowhere": "no times: neither sound nor picture are read",
    }
    assert turns["speaker"].iloc[4] == UNKNOWN_SPEAKER
    assert turns.loc[turns["text"] == "too long", "end_s"].item() == 12
