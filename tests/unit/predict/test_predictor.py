"""Whatever people bring is predicted with what can be used of it, or refused in one line."""

import hashlib
import os
import shutil
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from made_bundles import CLASSES, make_bundle
from made_media import babble, clock_picture, write_media

from cberl.artifacts import read_header
from cberl.cli import main
from cberl.corpus.locate import MEDIA_SUFFIXES
from cberl.errors import InputError
from cberl.predict.bundle.load import open_bundle
from cberl.predict.new_conversations import read_clips, read_recording, read_table_file
from cberl.predict.predictor import predict_conversations
from cberl.predict.read_input import read_input

TURNS = "start\tend\tspeaker\ttext\n"


def recording(tmp_path, *lines, sound=True, seconds=6, name="talk.mp4", **more):
    """A recording and a transcript of it."""
    noise = babble(6, 16000) if sound else None
    media = write_media(tmp_path / name, noise, seconds, **more)
    transcript = tmp_path / "talk.tsv"
    transcript.write_text(TURNS + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return media, transcript


def predict(models, *source):
    return predict_conversations(models, read_recording(*source))


def test_a_recording_with_all_that_is_wanted(models, tmp_path):
    lines = ("0\t2\tAnn\tHi there.", "2.5\t4\tBen\tOh no!", "4\t5.5\tAnn\tIndeed.")
    prediction = predict(models, *recording(tmp_path, *lines))
    turns = prediction.turns
    assert list(turns["conversation"]) == ["talk"] * 3
    assert list(turns["turn"]) == [0, 1, 2]
    for modality in ("text", "audio", "video"):
        assert turns[f"{modality}_available"].all()
        assert turns[f"{modality}_reason"].isna().all()
    assert prediction.classes == CLASSES
    assert prediction.probabilities.shape == (3, 3)
    assert np.allclose(prediction.probabilities.sum(axis=1), 1, atol=1e-6)
    assert list(turns["media_path"]) == [str(tmp_path / "talk.mp4")] * 3
    assert turns["note"].isna().all()


def test_odd_turns_are_predicted_from_what_there_is(models, tmp_path):
    lines = (
        *("4\t5\tAnn\tthird", "0\t2\tAnn\tfirst", "1\t3\tBen\toverlapping"),
        *("5\t9\tAnn\ttoo long", "8\t9\tBen\tafterwards", "3\t3\t\tof no length"),
        *("3.2\t4\tBen\t", "\t\t\tnowhere"),
    )
    turns = predict(models, *recording(tmp_path, *lines)).turns.set_index("text")
    assert len(turns) == len(lines)
    reasons = turns["audio_reason"].where(turns["audio_reason"].notna(), None)
    assert reasons["afterwards"] == "empty_window"
    assert reasons["of no length"] == reasons["nowhere"] == "missing"
    assert reasons[["first", "overlapping", "third", "too long"]].isna().all()
    assert turns["text_reason"][""] == "empty_text"
    assert turns["audio_available"][""]
    assert turns["speaker"]["of no length"] == "unknown"
    assert "out of order" in turns["note"]["first"]
    assert "after the end of the recording" in turns["note"]["too long"]


def test_a_recording_without_sound_and_one_of_sound_alone(models, tmp_path):
    line = "0\t2\tAnn\tHi there."
    silent = predict(models, *recording(tmp_path, line, sound=False)).turns
    assert list(silent["audio_reason"]) == ["no_audio_stream"]
    assert silent["video_available"].all()
    codecs = ("libx264", "pcm_s16le")
    heard = predict(models, *recording(tmp_path, line, seconds=None, name="a.wav", codecs=codecs))
    assert list(heard.turns["video_reason"]) == ["no_video_stream"]
    assert heard.turns["audio_available"].all()


def test_the_picture_at_a_turns_time_is_read_whatever_the_frame_rate(models, tmp_path):
    """Frames that come unevenly: the same turns of the same picture give the same prediction."""
    even, transcript = recording(tmp_path, "1\t3\tAnn\tHi.", "3\t5\tBen\tNo.", sound=False)
    uneven = tmp_path / "uneven.mp4"
    write_unevenly(uneven)
    first, second = (predict(models, path, transcript) for path in (even, uneven))
    assert second.turns["video_available"].all()
    assert np.abs(first.probabilities - second.probabilities).max() < 0.05


def write_unevenly(path):
    """Six seconds of the clock picture, every third frame of which is left out."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(60):
            if number % 3 == 1:
                continue
            frame = av.VideoFrame.from_ndarray(clock_picture(number / 10, 96, 64), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


UPRIGHT = bytes.fromhex("00010000 00000000 00000000 00000000 00010000 00000000".replace(" ", ""))
LYING = bytes.fromhex("00000000 00010000 00000000 ffff0000 00000000 00000000".replace(" ", ""))
"""The first rows of an MP4 track's matrix: as it is stored, and to be turned by a quarter."""


def test_a_recording_that_lies_on_its_side_is_turned(tmp_path):
    models = open_bundle(make_bundle(tmp_path / "seen", ("video",), "concat"))

    def lying_picture(time_s, width, height):
        return np.ascontiguousarray(np.rot90(clock_picture(time_s, height, width)))

    upright, transcript = recording(tmp_path, "1\t3\tAnn\tHi.", sound=False)
    lying = write_media(tmp_path / "lying.mp4", None, 6, size=(64, 96), picture_at=lying_picture)
    content = lying.read_bytes()
    start = content.index(UPRIGHT, content.index(b"tkhd"))
    unturned = predict(models, lying, transcript)
    lying.write_bytes(content[:start] + LYING + content[start + len(LYING) :])
    expected, turned = (predict(models, path, transcript) for path in (upright, lying))
    away = [np.abs(one.probabilities - expected.probabilities).max() for one in (turned, unturned)]
    assert away[0] < away[1] / 4


def test_names_and_text_full_of_markup(models, tmp_path):
    markup = "<script>alert(1)</script>"
    turns = predict(models, *recording(tmp_path, f"0\t2\t{markup}\t{markup} & <b>me</b>")).turns
    assert turns["speaker"].iloc[0] == markup
    assert turns["text"].iloc[0] == f"{markup} & <b>me</b>"


def test_a_transcript_alone(models, tmp_path):
    _, transcript = recording(tmp_path, "0\t2\tAnn\tHi there.", "2\t3\tBen\tNo.")
    turns = predict(models, None, transcript).turns
    assert turns["text_available"].all()
    assert set(turns["audio_reason"]) == set(turns["video_reason"]) == {"missing"}
    assert turns["media_path"].isna().all()
    assert list(turns["end_s"]) == [2, 3]


def test_a_bundle_of_other_modalities_than_there_are(tmp_path):
    models = open_bundle(make_bundle(tmp_path / "heard", ("audio",), "concat"))
    media, transcript = recording(tmp_path, "0\t2\tAnn\tHi there.")
    turns = predict(models, media, transcript).turns
    assert list(turns["text_reason"]) == list(turns["video_reason"]) == ["not_requested"]
    with pytest.raises(InputError, match=r"none of what the bundle reads \(audio\): missing"):
        predict(models, None, transcript)


def test_missing_modalities_are_masked_as_in_training(models, tmp_path):
    """A turn without picture is predicted like one whose picture was never read."""
    media, transcript = recording(tmp_path, "0\t2\tAnn\tHi there.", "2\t4\tBen\tNo.")
    sound = tmp_path / "sound"
    sound.mkdir()
    without = write_media(sound / "talk.mp4", babble(6, 16000), None)
    whole = predict(models, media, transcript)
    masked = predict(models, without, transcript)
    assert not masked.turns["video_available"].any()
    assert not np.allclose(whole.probabilities, masked.probabilities, atol=1e-4)
    again = predict(models, without, transcript)
    assert np.array_equal(masked.probabilities, again.probabilities)


def test_a_folder_of_clips_in_the_order_of_their_numbers(models, tmp_path):
    folder = tmp_path / "talk"
    for number, seconds in ((10, 2), (2, 1.5), (1, 1)):
        write_media(folder / f"clip{number}.mp4", babble(seconds, 16000), seconds)
    (folder / "clip2.txt").write_text("Ben: Well, no.")
    (folder / "notes.pdf").write_text("")
    (folder / "._clip1.mp4").write_text("")
    turns = predict_conversations(models, read_clips(folder)).turns
    assert [os.path.basename(path) for path in turns["media_path"]] == [
        *("clip1.mp4", "clip2.mp4", "clip10.mp4"),
    ]
    assert list(turns["speaker"]) == ["unknown", "Ben", "unknown"]
    assert list(turns["text"]) == ["", "Well, no.", ""]
    assert list(turns["text_available"]) == [False, True, False]
    # One after the other.
    assert np.abs(turns["start_s"] - [0, 1, 2.5]).max() < 0.3
    assert turns["note"].isna().all()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no clip"):
        read_clips(tmp_path / "empty")


def test_every_kind_of_media_file_is_a_clip_whatever_its_name(tmp_path):
    names = [f"1²{number}{suffix}" for number, suffix in enumerate(MEDIA_SUFFIXES)]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert list(read_clips(tmp_path).utterances["media_path"]) == names


def test_a_table_of_conversations(models, tmp_path):
    write_media(tmp_path / "a.mp4", babble(4, 16000), 4)
    write_media(tmp_path / "apart.mp4", babble(2, 16000), 2)
    rows = [
        ("x", 1, "Ann", "Hi.", "a.mp4", 0, 2, ""),
        ("y", 1, "Cy", "Alone.", "", "", "", "apart.mp4"),
        ("x", 2, "Ben", "No.", "a.mp4", 2, 4, ""),
        ("y", 2, "Cy", "Gone.", "gone.mp4", "", "", ""),
    ]
    columns = ["dialogue", "utterance", "speaker", "text", "media", "start", "end", "audio"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "all.tsv", sep="\t", index=False)
    prediction = predict_conversations(models, read_table_file(tmp_path / "all.tsv"))
    turns = prediction.turns
    assert list(turns["conversation"]) == ["x", "x", "y", "y"]
    assert list(turns["text"]) == ["Hi.", "No.", "Alone.", "Gone."]
    assert list(turns["utterance"]) == ["1", "2", "1", "2"]
    assert list(turns["video_available"]) == [True, True, False, False]
    assert list(turns["audio_available"]) == [True, True, True, False]
    assert list(turns["audio_path"].dropna()) == [str(tmp_path / "apart.mp4")]
    assert list(turns["start_s"])[:2] == [0, 2]
    # A conversation is predicted by itself.
    alone = tmp_path / "y.tsv"
    pd.DataFrame(rows[1::2], columns=columns).to_csv(alone, sep="\t", index=False)
    other = predict_conversations(models, read_table_file(alone))
    assert np.allclose(other.probabilities, prediction.probabilities[2:], atol=1e-5)


def test_a_turn_from_which_nothing_can_be_read_says_so(models, tmp_path, caplog):
    (tmp_path / "all.tsv").write_text(
        "dialogue\tutterance\tspeaker\ttext\tremark\nx\t1\tAnn\tNo.\ta\nx\t2\tBen\t\tb\n"
    )
    notes = predict_conversations(models, read_table_file(tmp_path / "all.tsv")).turns["note"]
    assert pd.isna(notes[0])
    assert notes[1] == "nothing of it could be read: predicted from the turns around it alone"
    assert "all.tsv: not read: column remark" in caplog.messages


def test_media_that_a_table_names_in_vain_are_noted(models, tmp_path, caplog):
    write_media(tmp_path / "outside.mp4", babble(1, 16000), 1)
    inside = tmp_path / "in"
    write_media(inside / "sound.wav", babble(1, 16000), None, codecs=("libx264", "pcm_s16le"))
    lines = ["dialogue\tutterance\tspeaker\ttext\tmedia\taudio", "x\t0\tAnn\tNo.\t\t"]
    lines += ["x\t1\tAnn\tNo.\t../outside.mp4\t", "x\t2\tAnn\tNo.\t\tsound.wav"]
    lines += ["x\t3\tAnn\tNo.\tgone.mp4\tsound.wav"]
    (inside / "all.tsv").write_text("".join(f"{line}\n" for line in lines))
    predict_conversations(models, read_table_file(inside / "all.tsv"))
    outside = "the annotation names a file outside the corpus root, which is not opened"
    assert [line for line in caplog.messages if " not used" in line] == [
        f"audio of 1 turns is not used, first x/1: {outside}",
        f"video of 2 turns is not used, first x/1: {outside}",
    ]


def test_text_alone_needs_no_encoder_of_sound_and_pictures(models, tmp_path):
    models.release_encoders()
    (tmp_path / "all.tsv").write_text("dialogue\tutterance\tspeaker\ttext\nx\t1\tAnn\tNo.\n")
    predict_conversations(models, read_table_file(tmp_path / "all.tsv"))
    assert "text" in vars(models)
    assert not {"audio", "video"} & set(vars(models))


def test_a_bundle_that_was_made_anew_is_not_mixed_with_the_one_opened(bundle, tmp_path):
    own = shutil.copytree(bundle, tmp_path / "own")
    (tmp_path / "all.tsv").write_text("dialogue\tutterance\tspeaker\ttext\nx\t1\tAnn\tNo.\n")
    new, models = read_table_file(tmp_path / "all.tsv"), open_bundle(own)
    predict_conversations(models, new)
    shutil.rmtree(own)
    make_bundle(own, future_window=0)
    with pytest.raises(InputError, match="was made anew since it was opened"):
        predict_conversations(models, new)
    predict_conversations(open_bundle(own), new)


def test_a_table_without_any_text_says_where_text_comes_from(models, tmp_path):
    (tmp_path / "all.tsv").write_text("dialogue\tutterance\tspeaker\nx\t1\tAnn\n")
    with pytest.raises(InputError, match=r"none of what .*\(text: of a transcript or a table\)"):
        predict_conversations(models, read_table_file(tmp_path / "all.tsv"))


def test_a_table_against_its_numbers_is_named(tmp_path, caplog):
    (tmp_path / "all.tsv").write_text(
        "dialogue\tutterance\tspeaker\ttext\nx\t2\tAnn\tNo.\nx\t1\tBen\tYes.\n"
    )
    assert read_table_file(tmp_path / "all.tsv").utterances["text"].tolist() == ["No.", "Yes."]
    assert "not in the order of the numbers in column utterance" in caplog.text


def test_encoders_that_are_not_kept_are_loaded_anew(models, tmp_path):
    (tmp_path / "all.tsv").write_text("dialogue\tutterance\tspeaker\ttext\nx\t1\tAnn\tNo.\n")
    new = read_table_file(tmp_path / "all.tsv")
    first, encoder = predict_conversations(models, new), models.text
    assert models.text is encoder
    again = predict_conversations(models, new, keep_encoders=False)
    assert models.text is not encoder
    assert np.array_equal(first.probabilities, again.probabilities)


def test_turns_of_a_table_that_share_a_whole_recording_have_a_note(tmp_path):
    (tmp_path / "all.tsv").write_text(
        "dialogue\tutterance\tspeaker\tsplit\tmedia\nx\t1\tAnn\tunseen\ta.mp4\n"
        "x\t2\tBen\tunseen\ta.mp4\nx\t3\tBen\tunseen\tb.mp4\n"
    )
    notes = list(read_table_file(tmp_path / "all.tsv").notes)
    assert notes == ["no times: all of the recording is read, as for other turns"] * 2 + [None]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "write --columns '{Transcript: text}'"),
        (["--columns", "{Transcript: text"], "expected a mapping: '{their name: text}'"),
        (["--columns", "{a: text}", "--encoding", "cp1252"], "--columns: TABLE has no column a"),
        (["--columns", "{Transcript: text}"], "expected UTF-8, or its name in --encoding"),
        (["--columns", "{Transcript: text}", "--encoding", "x"], "--encoding is 'x'; expected"),
    ],
)
def test_the_command_says_how_a_table_by_other_names_is_read(tmp_path, capsys, options, words):
    table = tmp_path / "all.tsv"
    text = "Transcript" if not options else "Café"
    table.write_bytes(f"dialogue\tutterance\tspeaker\t{text}\nx\t1\tAnn\tNo.\n".encode("cp1252"))
    arguments = [str(table), "--bundle", str(tmp_path), "--out", str(tmp_path / "out"), *options]
    assert main(["predict", *arguments]) == 2
    assert words.replace("TABLE", str(table)) in capsys.readouterr().err


def test_what_there_is_to_read(tmp_path):
    with pytest.raises(InputError, match="nothing to predict"):
        read_input(None, None)
    (tmp_path / "clips").mkdir()
    with pytest.raises(InputError, match=r"is a folder of clips, .* expected no --transcript"):
        read_input(tmp_path / "clips", tmp_path / "a.srt")
    with pytest.raises(InputError, match="no such file; expected a table"):
        read_input(tmp_path / "none.csv", None)
    with pytest.raises(InputError, match=r"a\.srt: is a transcript; expected it behind"):
        read_input(tmp_path / "a.srt", None)
    (tmp_path / "a.srt").write_text("00:00:00,000 --> 00:00:01,000\nHi.\n")
    with pytest.raises(InputError, match="no such file; expected a recording"):
        read_input(tmp_path / "none.mp4", tmp_path / "a.srt")


def test_the_command_refuses_in_one_line_before_it_works(bundle, tmp_path, capsys):
    media, transcript = recording(tmp_path, "0\t2\tAnn\tHi there.")
    arguments = ["predict", str(media), "--transcript", str(transcript), "--bundle"]
    assert main([*arguments, str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert main([*arguments, str(bundle), "--out", str(tmp_path)]) == 2
    assert main([*arguments, str(bundle), "--out", "/proc/none/out"]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3
    assert all(line.startswith("error: ") for line in errors)
    assert not (tmp_path / "out").exists()
    assert main([*arguments, str(bundle), "--out", str(tmp_path / "out")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_the_users_own_files_under_results_are_read(bundle, tmp_path, monkeypatch):
    """Only what a rule wrote there carries a digest."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    table = "dialogue\tutterance\tspeaker\ttext\nx\t1\tAnn\tNo.\n"
    (tmp_path / "results/all.tsv").write_text(table)
    assert main(["predict", "results/all.tsv", "--bundle", str(bundle), "--out", "out"]) == 0
    inputs = read_header(tmp_path / "out/turns.parquet")["provenance"]["inputs"]
    assert inputs == {"results/all.tsv": hashlib.sha256(table.encode()).hexdigest()}
