"""Decoding: sound of any layout, frames by time, cuts, and a reason for whatever is absent."""

import io
import struct
import time
from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from made_media import BOTH, SETTINGS, babble, grey_at, utterance_rows, write_media
from PIL import Image

from cberl.artifacts import open_table, read_table
from cberl.corpus import reasons
from cberl.corpus.media.decode import decode_clips
from cberl.corpus.tables import MEDIA
from cberl.provenance import file_digest


def decode(root, *rows, modalities=BOTH, **settings):
    shard, settings = utterance_rows(*rows), replace(SETTINGS, **settings)
    frames = list(decode_clips(shard, root, settings, modalities))
    return pd.concat(frames, ignore_index=True)


def pictures(row):
    return [np.asarray(Image.open(io.BytesIO(jpeg))) for jpeg in row["frames"]]


def dominant_hz(samples, rate=16000):
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(np.argmax(spectrum) * rate / len(samples))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A corpus folder with one sound clip and one long recording."""
    folder = tmp_path_factory.mktemp("corpus")
    write_media(folder / "clips/good.mp4", babble(2, 48000), 2, rate=48000, data_stream=True)
    recording = np.concatenate([babble(4, 16000, pitch=300), babble(4, 16000, pitch=900)])
    write_media(folder / "long.mp4", recording, 8, keyframe_every=25)
    return folder


def test_a_sound_clip_gives_sound_frames_and_facts(root):
    row = decode(root, {"media_path": "clips/good.mp4"}).iloc[0]
    assert row["audio_reason"] is None
    assert row["video_reason"] is None
    assert row["audio"].dtype == np.int16
    assert len(row["audio"]) == pytest.approx(2 * 16000, abs=1500)
    assert dominant_hz(row["audio"]) == pytest.approx(220, abs=8)
    assert row["sample_rate"] == 16000
    assert (row["source_channels"], row["source_sample_rate"]) == (1, 48000)
    assert (row["source_width"], row["source_height"]) == (96, 64)
    assert (row["source_fps"], row["source_frames"]) == (10, 20)
    assert row["duration_s"] == pytest.approx(2, abs=0.1)
    assert row["speech_s"] == pytest.approx(1, abs=0.5)
    assert len(row["audio_sha256"]) == 64
    assert row["video_sha256"] == row["audio_sha256"]
    assert row["detail"] is None


def test_frames_lie_evenly_in_time_and_keep_their_aspect(root):
    row = decode(root, {"media_path": "clips/good.mp4"}, frames=5).iloc[0]
    assert row["frame_times_s"] == pytest.approx([0.2, 0.6, 1.0, 1.4, 1.8])
    for time_s, picture in zip(row["frame_times_s"], pictures(row), strict=True):
        assert picture.shape == (64, 96, 3)
        assert picture[10:-10, 10:38].mean() == pytest.approx(grey_at(time_s), abs=4)


def test_frames_are_chosen_by_time_not_by_number(tmp_path):
    """A recording whose frame rate drops half way: as many samples before as after."""
    path = tmp_path / "vfr.mp4"
    times = [*np.arange(0, 2, 0.05), *np.arange(2, 4, 0.5)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=20)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1_000_000)
        for time_s in times:
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 99, np.uint8), "rgb24")
            frame.time_base, frame.pts = stream.codec_context.time_base, round(time_s * 1_000_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    row = decode(tmp_path, {"media_path": "vfr.mp4"}, frames=7).iloc[0]
    assert sum(time < 2 for time in row["frame_times_s"]) == 4


def test_a_clip_with_fewer_frames_than_asked_for_shows_some_twice(root, tmp_path):
    write_media(tmp_path / "short.mp4", None, 0.3)
    row = decode(tmp_path, {"media_path": "short.mp4"}, frames=7).iloc[0]
    assert len(row["frames"]) == 7
    assert len(set(row["frames"])) == 3
    assert row["frame_times_s"] == sorted(row["frame_times_s"])


def test_a_recording_is_cut_at_start_and_end(root):
    cut = {"media_path": "long.mp4", "media_start_s": 4.5, "media_end_s": 6.5}
    before = {"media_path": "long.mp4", "media_start_s": 1.0, "media_end_s": 3.0}
    rows = decode(root, cut, before)
    for row, pitch, start in zip(rows.to_dict("records"), (900, 300), (4.5, 1.0), strict=True):
        assert len(row["audio"]) == pytest.approx(32000, abs=3)
        assert dominant_hz(row["audio"]) == pytest.approx(pitch, abs=12)
        assert row["frame_times_s"] == pytest.approx([0.2, 0.7, 1.2, 1.7], abs=0.051)
        for time_s, picture in zip(row["frame_times_s"], pictures(row), strict=True):
            grey = picture[10:-10, 10:38].mean()
            assert grey == pytest.approx(grey_at(start + time_s), abs=4)
        assert row["duration_s"] == pytest.approx(2, abs=0.11)


def test_cutting_at_the_very_start_and_past_the_end_takes_what_is_there(root):
    rows = decode(
        root,
        {"media_path": "long.mp4", "media_end_s": 1.0},
        {"media_path": "long.mp4", "media_start_s": 7.0, "media_end_s": 99.0},
        {"media_path": "long.mp4", "media_start_s": 7.0},
    )
    assert [len(audio) for audio in rows["audio"]] == pytest.approx([16000] * 3, abs=1100)
    assert all(len(frames) == 4 for frames in rows["frames"])
    assert rows["frame_times_s"].iloc[1] == pytest.approx([0.1, 0.3, 0.6, 0.8], abs=0.11)


@pytest.mark.parametrize(("start", "end"), [(3.0, 3.0), (5.0, 4.0), (50.0, 60.0)])
def test_a_cut_with_nothing_in_it_is_empty(root, start, end):
    row = decode(root, {"media_path": "long.mp4", "media_start_s": start, "media_end_s": end}).iloc[
        0
    ]
    assert row["audio_reason"] == reasons.EMPTY_WINDOW
    assert row["video_reason"] == reasons.EMPTY_WINDOW
    assert row["detail"] == f"long.mp4: nothing from {start:g} s to {end:g} s of 8.0 s"


def test_few_sampled_frames_do_not_shorten_what_is_told_of_a_piece(root):
    piece = {"media_path": "clips/good.mp4", "media_start_s": 0.2, "media_end_s": 0.8}
    row = decode(root, piece, modalities=["video"], frames=1).iloc[0]
    assert row["source_frames"] == 6
    assert row["duration_s"] == pytest.approx(0.6)


def test_reversed_times_give_nothing(root):
    row = decode(root, {"media_path": "clips/good.mp4", "media_start_s": 0.9, "media_end_s": 0.3})
    assert row["audio_reason"].tolist() == row["video_reason"].tolist() == [reasons.EMPTY_WINDOW]


@pytest.mark.parametrize(("crop", "bright"), [("left", False), ("right", True)])
def test_a_crop_keeps_the_speakers_half(root, crop, bright):
    row = decode(root, {"media_path": "clips/good.mp4", "media_crop": crop}).iloc[0]
    for picture in pictures(row):
        assert picture.shape == (85, 64, 3)
        assert bool(picture.mean() > 200) is bright


def test_sound_may_lie_in_a_file_of_its_own(root, tmp_path):
    write_media(tmp_path / "long.mp4", babble(8, 16000, pitch=300), 8)
    write_media(tmp_path / "own.wav", babble(1, 16000, pitch=700), codecs=("", "pcm_s16le"))
    cut = {"media_path": "long.mp4", "media_start_s": 4.5, "media_end_s": 6.5}
    row = decode(tmp_path, cut | {"audio_path": "own.wav"}).iloc[0]
    assert dominant_hz(row["audio"]) == pytest.approx(700, abs=8)
    assert len(row["audio"]) == 16000
    assert row["frame_times_s"] == pytest.approx([0.2, 0.7, 1.2, 1.7], abs=0.051)
    for modality, name in (("audio", "own.wav"), ("video", "long.mp4")):
        assert row[f"{modality}_sha256"] == file_digest(tmp_path / name)
    alone = decode(tmp_path, {"audio_path": "own.wav"}).iloc[0]
    assert (alone["audio_reason"], alone["video_reason"]) == (None, reasons.MISSING)
    assert (alone["audio_sha256"], alone["video_sha256"]) == (row["audio_sha256"], None)


CHANNELS_OF_5_1 = ("FL", "FR", "FC", "LFE", "BL", "BR")


@pytest.mark.parametrize("speaking", CHANNELS_OF_5_1)
def test_every_channel_but_the_low_frequency_one_is_heard_in_the_downmix(tmp_path, speaking):
    sound = np.zeros((6, 48000), dtype=np.float32)
    sound[CHANNELS_OF_5_1.index(speaking)] = babble(1, 48000)
    write_media(
        tmp_path / "surround.wav", sound, rate=48000, layout="5.1", codecs=("", "pcm_s16le")
    )
    row = decode(tmp_path, {"media_path": "surround.wav"}).iloc[0]
    assert row["source_channels"] == 6
    if speaking == "LFE":
        assert row["audio_reason"] == reasons.SILENT
        return
    weight = {"FC": 0.7071, "FL": 0.5, "FR": 0.5}.get(speaking, 0.3536)
    assert np.abs(row["audio"]).max() / 32767 == pytest.approx(0.5 * weight, rel=0.05)


def test_aac_surround_and_stereo_give_the_same_loudness_for_a_voice_in_the_middle(tmp_path):
    voice = babble(1.5, 48000)
    middle = np.zeros((6, len(voice)), dtype=np.float32)
    middle[2] = voice
    write_media(tmp_path / "surround.mp4", middle, rate=48000, layout="5.1")
    write_media(
        tmp_path / "stereo.mp4", np.stack([voice, voice]) * 0.7071, rate=48000, layout="stereo"
    )
    rows = decode(tmp_path, {"media_path": "surround.mp4"}, {"media_path": "stereo.mp4"})
    loudness = [np.sqrt(np.mean(np.square(audio / 32767))) for audio in rows["audio"]]
    assert loudness[0] == pytest.approx(loudness[1], rel=0.1)


def test_eight_channels_are_mixed_too(tmp_path):
    write_media(tmp_path / "many.mp4", np.stack([babble(1, 48000)] * 8), rate=48000, layout="7.1")
    row = decode(tmp_path, {"media_path": "many.mp4"}).iloc[0]
    assert (row["audio_reason"], row["detail"], row["source_channels"]) == (None, None, 8)
    assert dominant_hz(row["audio"]) == pytest.approx(220, abs=8)


def test_a_loud_mix_is_made_quieter_not_clipped(tmp_path):
    loud = np.stack([2 * babble(1, 48000)] * 6)
    write_media(tmp_path / "loud.wav", loud, rate=48000, layout="5.1", codecs=("", "pcm_s16le"))
    audio = decode(tmp_path, {"media_path": "loud.wav"}).iloc[0]["audio"]
    assert np.abs(audio).max() == 32767
    assert (np.abs(audio) == 32767).sum() < 10


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"])
def test_sample_formats_agree(tmp_path, codec):
    write_media(tmp_path / "sound.wav", babble(1, 16000), codecs=("", codec))
    audio = decode(tmp_path, {"media_path": "sound.wav"}).iloc[0]["audio"]
    assert np.abs(audio / 32767 - babble(1, 16000)).max() < 0.01


@pytest.mark.parametrize(
    ("name", "codecs"),
    [
        ("two.avi", ("mpeg4", "pcm_s16le")),
        ("own.mkv", ("libx264", "aac")),
        ("own.mpg", ("mpeg2video", "mp2")),
        ("own.ts", ("libx264", "aac")),
        ("own.webm", ("libvpx", "libopus")),
    ],
)
def test_other_containers_are_cut_alike(tmp_path, name, codecs):
    sound = np.concatenate([babble(4, 48000, pitch=300), babble(4, 48000, pitch=900)])
    write_media(tmp_path / name, sound, 8, rate=48000, fps=25, codecs=codecs, keyframe_every=100)
    cut = {"media_path": name, "media_start_s": 4.5, "media_end_s": 6.5}
    row = decode(tmp_path, cut).iloc[0]
    assert dominant_hz(row["audio"]) == pytest.approx(900, abs=12)
    assert len(row["audio"]) == pytest.approx(32000, abs=60)
    for time_s, picture in zip(row["frame_times_s"], pictures(row), strict=True):
        assert picture[10:-10, 10:38].mean() == pytest.approx(grey_at(4.5 + time_s), abs=6)


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "libmp3lame"), ("a.flac", "flac")])
def test_sound_recordings_are_cut_alike(tmp_path, name, codec):
    sound = np.concatenate([babble(4, 48000, pitch=300), babble(4, 48000, pitch=900)])
    write_media(tmp_path / name, sound, rate=48000, codecs=("", codec))
    row = decode(tmp_path, {"media_path": name, "media_start_s": 4.1, "media_end_s": 5.1}).iloc[0]
    assert dominant_hz(row["audio"]) == pytest.approx(900, abs=12)
    assert len(row["audio"]) == pytest.approx(16000, abs=60)


def test_a_picture_on_the_cover_is_no_video(tmp_path):
    """A song with a cover: one attached picture, which has no time."""
    path = write_media(
        tmp_path / "song.mp3", babble(1, 44100), rate=44100, codecs=("", "libmp3lame")
    )
    picture = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    body = b"\0image/jpeg\0\3\0" + picture
    frame = b"APIC" + len(body).to_bytes(4) + b"\0\0" + body
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\3\0\0" + size + frame + path.read_bytes())
    row = decode(tmp_path, {"media_path": "song.mp3"}).iloc[0]
    assert (row["audio_reason"], row["video_reason"]) == (None, reasons.NO_VIDEO_STREAM)


def test_upright_recordings_of_telephones_are_turned(tmp_path):
    """The track header's matrix says: turn a quarter clockwise, so the dark left becomes top."""
    path = write_media(tmp_path / "upright.mp4", None, 0.5)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 64 << 16, 0, 1 << 30)
    path.write_bytes(data)
    for picture in pictures(decode(tmp_path, {"media_path": "upright.mp4"}).iloc[0]):
        assert picture.shape == (96, 64, 3)
        assert picture[:40].mean() < 60
        assert picture[-40:].mean() > 200


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 96, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((96, 96, 3), np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    row = decode(tmp_path, {"media_path": "wide.mp4"}).iloc[0]
    assert pictures(row)[0].shape == (64, 85, 3)
    assert (row["source_width"], row["source_height"]) == (96, 96)


def test_a_slit_is_no_picture(tmp_path):
    write_media(tmp_path / "slit.mp4", None, 0.5, size=(2, 480))
    row = decode(tmp_path, {"media_path": "slit.mp4"}).iloc[0]
    assert row["video_reason"] == reasons.UNREADABLE
    assert "2 x 480 pixels" in row["detail"]


def test_whatever_is_absent_has_its_reason(root, tmp_path):
    write_media(tmp_path / "silent.mp4", np.zeros(16000, np.float32), 1)
    write_media(tmp_path / "mute.mp4", None, 1)
    write_media(tmp_path / "deaf.wav", babble(1, 16000), codecs=("", "pcm_s16le"))
    write_media(tmp_path / "blink.wav", babble(0.2, 16000), codecs=("", "pcm_s16le"))
    whole = (root / "clips/good.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: whole.index(b"moov")])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "words.mp4").write_text("This is no film.")
    (tmp_path / "folder.mp4").mkdir()
    names = ("silent.mp4", "mute.mp4", "deaf.wav", "blink.wav", "cut.mp4", "empty.mp4")
    names += ("words.mp4", "folder.mp4", "nowhere.mp4", None)
    rows = decode(tmp_path, *({"media_path": name} for name in names))
    found = dict(
        zip(names, zip(rows["audio_reason"], rows["video_reason"], strict=True), strict=True)
    )
    assert found == {
        "silent.mp4": (reasons.SILENT, None),
        "mute.mp4": (reasons.NO_AUDIO_STREAM, None),
        "deaf.wav": (None, reasons.NO_VIDEO_STREAM),
        "blink.wav": (reasons.TOO_SHORT, reasons.NO_VIDEO_STREAM),
        "cut.mp4": (reasons.UNREADABLE, reasons.UNREADABLE),
        "empty.mp4": (reasons.UNREADABLE, reasons.UNREADABLE),
        "words.mp4": (reasons.UNREADABLE, reasons.UNREADABLE),
        "folder.mp4": (reasons.MISSING, reasons.MISSING),
        "nowhere.mp4": (reasons.MISSING, reasons.MISSING),
        None: (reasons.MISSING, reasons.MISSING),
    }
    detail = rows["detail"].iloc[names.index("cut.mp4")]
    assert "moov atom not found" in detail
    assert str(tmp_path) not in detail
    assert rows["audio"].notna().tolist() == rows["audio_reason"].isna().tolist()
    assert rows["frames"].notna().tolist() == rows["video_reason"].isna().tolist()


@pytest.mark.parametrize(("name", "seconds"), [("a.mp4", 1), ("a.wav", None)])
def test_of_channels_that_cancel_each_other_out_one_is_taken(tmp_path, name, seconds):
    sound = np.stack([babble(1, 16000), -babble(1, 16000)])
    codecs = ("libx264", "aac") if seconds else ("", "pcm_s16le")
    write_media(tmp_path / name, sound, seconds, layout="stereo", codecs=codecs)
    row = decode(tmp_path, {"media_path": name}).iloc[0]
    assert row["audio_reason"] is None
    assert "audio: channels cancel each other out when mixed; channel " in row["detail"]
    assert np.abs(row["audio"]).max() / 32767 == pytest.approx(0.5, abs=0.1)
    assert row["source_channels"] == 2
    assert (row["video_reason"] is None) == (seconds is not None)


def test_a_wide_stereo_picture_is_mixed_as_ever(tmp_path):
    wave = np.stack([babble(1, 16000), babble(1, 16000, pitch=330)])
    write_media(tmp_path / "a.wav", wave, layout="stereo", codecs=("", "pcm_s16le"))
    assert decode(tmp_path, {"media_path": "a.wav"}).iloc[0]["detail"] is None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.sph", b"NIST_1A\n   1024\n", "a.sph is a NIST SPHERE file, which is not read"),
        ("a.mp4", b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        ("a.mp4", b"\n<!DOCTYPE HTML>\n", "is a web page, not the file itself"),
        ("._a.mp4", b"\x00\x05\x16\x07\x00", "is a file of macOS attributes"),
    ],
)
def test_a_file_that_is_no_media_is_called_what_it_is(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    row = decode(tmp_path, {"media_path": name}).iloc[0]
    assert row["audio_reason"] == row["video_reason"] == reasons.UNREADABLE
    assert words in row["detail"]


@pytest.mark.parametrize(
    "name", ["../secret.wav", "clips/../../secret.wav", "{secret}", "clips/\0.mp4", "a" * 5000]
)
def test_a_name_does_not_lead_out_of_the_corpus(tmp_path, name):
    secret = write_media(tmp_path / "secret.wav", babble(1, 16000), codecs=("", "pcm_s16le"))
    (tmp_path / "corpus/clips").mkdir(parents=True)
    row = decode(tmp_path / "corpus", {"media_path": name.format(secret=secret)}).iloc[0]
    inside = name.startswith(("clips/\0", "aaa"))
    assert row["audio_reason"] == (reasons.MISSING if inside else reasons.OUTSIDE_ROOT)
    assert row["audio"] is None
    assert (row["audio_sha256"], row["video_sha256"]) == (None, None)


def test_an_absolute_name_inside_the_corpus_is_fine(root):
    row = decode(root, {"media_path": str(root / "clips/good.mp4")}).iloc[0]
    assert row["audio_reason"] is None


def test_a_playlist_cannot_make_the_decoder_read_other_files(root, tmp_path):
    target = root / "clips/good.mp4"
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", "#EXTINF:2,", str(target), "#EXT-X-ENDLIST"]
    (tmp_path / "list.mp4").write_text("\n".join(lines))
    (tmp_path / "concat.mp4").write_text(f"ffconcat version 1.0\nfile '{target}'\n")
    rows = decode(tmp_path, {"media_path": "list.mp4"}, {"media_path": "concat.mp4"})
    assert set(rows["audio_reason"]) == {reasons.UNREADABLE}


def test_a_file_without_end_is_not_read_for_its_digest(tmp_path):
    """A sparse file takes no room on disk, and hours to read."""
    with (tmp_path / "endless.mp4").open("wb") as handle:
        handle.truncate(1 << 42)
    started = time.monotonic()
    row = decode(tmp_path, {"media_path": "endless.mp4"}, time_limit_s=0.5)
    assert time.monotonic() - started < 30
    assert row["audio_reason"].iloc[0] is not None
    assert row["audio_sha256"].iloc[0] is None


def test_a_modality_that_is_not_asked_for_is_not_decoded(root):
    row = decode(root, {"media_path": "clips/good.mp4"}, modalities=["audio"]).iloc[0]
    assert (row["audio_reason"], row["video_reason"]) == (None, reasons.NOT_REQUESTED)
    assert row["source_width"] is None


def test_one_row_an_utterance_in_order_and_whole_through_a_file(root, tmp_path):
    shard = utterance_rows(
        {"media_path": "clips/good.mp4"}, {"media_path": "nowhere.mp4"}, {"media_path": "long.mp4"}
    )
    path = tmp_path / "media.parquet"
    with open_table(path, MEDIA, {}) as writer:
        for rows in decode_clips(shard, root, SETTINGS, BOTH):
            writer.write(rows)
    stored = read_table(path, MEDIA)
    assert stored["utterance_id"].tolist() == shard["utterance_id"].tolist()
    assert [audio is None for audio in stored["audio"]] == [False, True, False]


def test_an_empty_shard_gives_an_empty_table(tmp_path):
    shard = utterance_rows({"media_path": "a.mp4"}).iloc[:0]
    path = tmp_path / "media.parquet"
    with open_table(path, MEDIA, {}) as writer:
        for rows in decode_clips(shard, tmp_path, SETTINGS, BOTH):
            writer.write(rows)
    assert len(read_table(path, MEDIA)) == 0


def test_batches_are_small_in_rows_and_bytes(root, monkeypatch):
    monkeypatch.setattr("cberl.corpus.media.decode.BATCH_ROWS", 2)
    shard = utterance_rows(*[{"media_path": "clips/good.mp4"}] * 5)
    assert [len(rows) for rows in decode_clips(shard, root, SETTINGS, BOTH)] == [2, 2, 1]
    monkeypatch.setattr("cberl.corpus.media.decode.BATCH_BYTES", 1)
    assert [len(rows) for rows in decode_clips(shard, root, SETTINGS, BOTH)] == [1] * 5


def test_decoding_twice_gives_the_same_bytes(root):
    first, second = (decode(root, {"media_path": "clips/good.mp4"}).iloc[0] for _ in range(2))
    assert first["frames"] == second["frames"]
    assert np.array_equal(first["audio"], second["audio"])
