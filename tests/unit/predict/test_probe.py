"""What recordings are, and where somebody speaks in them."""

import numpy as np
import pytest
from made_media import babble, write_media
from made_speech import RATE, silence, speak

from cberl.corpus import reasons
from cberl.errors import InputError
from cberl.predict import voice
from cberl.predict.probe import RecordingFacts, probe_recording
from cberl.predict.voice import find_speech


@pytest.mark.parametrize(
    ("name", "sound", "seconds", "audio", "video"),
    [
        ("both.mp4", babble(2, RATE), 2, True, True),
        ("heard.wav", babble(2, RATE), None, True, False),
        ("seen.mp4", None, 2, False, True),
    ],
)
def test_length_and_streams_of_a_recording(tmp_path, name, sound, seconds, audio, video):
    codecs = ("libx264", "pcm_s16le" if name.endswith("wav") else "aac")
    facts = probe_recording(write_media(tmp_path / name, sound, seconds, codecs=codecs))
    assert (facts.audio, facts.video) == (audio, video)
    assert facts.duration_s == pytest.approx(2, abs=0.1)


def test_a_recording_that_does_not_tell_its_length_is_read_to_its_end(tmp_path):
    path = write_media(tmp_path / "stream.ts", babble(2, RATE), 2)
    raw = tmp_path / "stream.h264"
    write_media(raw, None, 2)
    assert probe_recording(path).duration_s == pytest.approx(2, abs=0.2)
    assert probe_recording(raw).video


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"no media at all", "not a media file"), (b"", "not a media file")],
)
def test_what_is_no_recording_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words) as refusal:
        probe_recording(path)
    assert "\n" not in str(refusal.value)


@pytest.fixture(scope="module")
def two_turns(tmp_path_factory):
    """A sentence from 1 s on, a pause of 1.5 s, another sentence, and where they lie."""
    folder = tmp_path_factory.mktemp("spoken")
    first = speak("I never thought that it would rain today.", folder)
    second = speak("Well, I told you that it would.", folder, pitch=80)
    sound = np.concatenate([silence(1), first, silence(1.5), second, silence(1)])
    ends = np.array([1, 1 + len(first) / RATE, 2.5 + len(first) / RATE])
    bounds = [*ends, ends[2] + len(second) / RATE]
    path = write_media(folder / "spoken.mp4", sound, len(sound) / RATE)
    return path, bounds


def test_turns_are_where_somebody_speaks(two_turns):
    pytest.importorskip("silero_vad")
    path, bounds = two_turns
    turns = find_speech(path, probe_recording(path))
    assert len(turns) == 2
    found = turns[["start_s", "end_s"]].to_numpy().ravel()
    assert np.abs(found - bounds).max() < 0.4
    assert (turns["text"] == "").all()


def test_pieces_change_nothing(two_turns, monkeypatch):
    pytest.importorskip("silero_vad")
    path, _ = two_turns
    facts = probe_recording(path)
    whole = find_speech(path, facts)
    monkeypatch.setattr(voice, "PIECE_S", 1.7)
    pieces = find_speech(path, facts)
    assert len(pieces) == len(whole)
    assert np.abs(pieces["start_s"] - whole["start_s"]).max() < 0.1
    assert np.abs(pieces["end_s"] - whole["end_s"]).max() < 0.1


@pytest.mark.parametrize("piece_s", [voice.PIECE_S, 3.0])
def test_turns_are_where_they_are_heard_if_the_sound_begins_late(tmp_path, monkeypatch, piece_s):
    pytest.importorskip("silero_vad")
    sound = np.concatenate([silence(1), speak("I never thought that it would rain.", tmp_path)])
    path = write_media(tmp_path / "late.mkv", sound, 12, sound_from=7)
    monkeypatch.setattr(voice, "PIECE_S", piece_s)
    turns = find_speech(path, probe_recording(path))
    assert turns["start_s"].tolist() == [pytest.approx(8, abs=0.4)]


def test_a_piece_that_cannot_be_decoded_moves_no_turn(two_turns, monkeypatch, caplog):
    pytest.importorskip("silero_vad")
    path, _ = two_turns
    facts = probe_recording(path)
    *_, second = find_speech(path, facts)["start_s"]
    decode = voice._decode

    def lose_first(sandbox, path, start_s, end_s):
        if start_s == 0:
            return np.empty(0, dtype=np.int16), reasons.TIMED_OUT
        return decode(sandbox, path, start_s, end_s)

    monkeypatch.setattr(voice, "PIECE_S", second - 1)
    monkeypatch.setattr(voice, "_decode", lose_first)
    assert find_speech(path, facts)["start_s"].tolist() == [pytest.approx(second, abs=0.1)]
    assert "no turn is found, first from 0 s on: decoding took longer" in caplog.text


def test_sound_that_cannot_be_decoded_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("silero_vad")
    lost = np.empty(0, dtype=np.int16), reasons.CRASHED
    monkeypatch.setattr(voice, "_decode", lambda *_: lost)
    with pytest.raises(InputError, match="its sound cannot be decoded"):
        find_speech(tmp_path / "a.mp4", RecordingFacts(200.0, audio=True, video=False))


def test_a_recording_without_speech_or_sound_is_refused(tmp_path):
    pytest.importorskip("silero_vad")
    quiet = write_media(tmp_path / "quiet.mp4", silence(3), 3)
    with pytest.raises(InputError, match="has no speech"):
        find_speech(quiet, probe_recording(quiet))
    with pytest.raises(InputError, match="has no sound to find turns in"):
        find_speech(tmp_path / "seen.mp4", RecordingFacts(2.0, audio=False, video=True))


def test_without_the_detector_the_way_out_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(voice.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install --no-deps silero-vad"):
        find_speech(tmp_path / "a.mp4", RecordingFacts(2.0, audio=True, video=False))
