"""Clips, recordings and sound files made for tests: encoded with PyAV, contents known."""

from fractions import Fraction
from math import ceil
from pathlib import Path

import av
import numpy as np
import pandas as pd

from cberl.corpus.settings import MediaSettings
from cberl.corpus.tables import UTTERANCES

SETTINGS = MediaSettings(frames=4, frame_size=64, faces=False, time_limit_s=30, memory_limit_mb=500)
BOTH = ("audio", "video")


def babble(seconds: float, rate: int, pitch: float = 220.0, syllables: float = 4.0) -> np.ndarray:
    """A tone that comes and goes like syllables: float32 [samples], peak 0.5."""
    time = np.arange(round(seconds * rate)) / rate
    envelope = np.clip(np.sin(2 * np.pi * syllables * time), 0, None)
    return (0.5 * envelope * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


def grey_at(time_s: float) -> int:
    """How bright the picture is at a moment, so that a frame tells when it was taken."""
    return int(20 + 20 * time_s) % 256


def clock_picture(time_s: float, width: int, height: int) -> np.ndarray:
    """Left half `grey_at` the moment, right half white: uint8 [height, width, 3]."""
    picture = np.full((height, width, 3), 255, dtype=np.uint8)
    picture[:, : width // 2] = grey_at(time_s)
    return picture


def write_media(
    path: Path,
    sound: np.ndarray | None = None,
    seconds: float | None = None,
    *,
    rate: int = 16000,
    layout: str = "mono",
    fps: int = 10,
    size: tuple[int, int] = (96, 64),
    codecs: tuple[str, str] = ("libx264", "aac"),
    keyframe_every: int = 12,
    data_stream: bool = False,
    sound_from: int = 0,
    picture_at=clock_picture,
) -> Path:
    """Encode a file; its container follows from the suffix.

    Args:
        sound: float32 [channels, samples] or [samples], or None for no sound.
        seconds: length of the picture, or None for no picture.
        sound_from: seconds after which the sound begins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = audio = data = None
        if seconds is not None:
            options = {"crf": "18", "preset": "ultrafast"} if codecs[0] == "libx264" else {}
            video = container.add_stream(codecs[0], rate=fps, options=options)
            video.width, video.height, video.pix_fmt = *size, "yuv420p"
            video.codec_context.gop_size = keyframe_every
            video.codec_context.thread_count = 1
        if sound is not None:
            audio = container.add_stream(codecs[1], rate=rate, layout=layout)
        if data_stream:
            data = container.add_data_stream("bin_data")
        if audio:
            resampler = av.AudioResampler(audio.format, layout, rate, audio.frame_size or None)
            samples = np.ascontiguousarray(np.atleast_2d(sound), dtype=np.float32)
        for second in range(
            ceil(max(seconds or 0, 0 if sound is None else samples.shape[1] / rate))
        ):
            if video:
                for number in range(second * fps, min((second + 1) * fps, round(seconds * fps))):
                    picture = picture_at(number / fps, *size)
                    container.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            if audio and second * rate < samples.shape[1]:
                piece = samples[:, second * rate : (second + 1) * rate].T.reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "flt", layout)
                frame.sample_rate, frame.pts = rate, (second + sound_from) * rate
                frame.time_base = Fraction(1, rate)
                for resampled in resampler.resample(frame):
                    container.mux(audio.encode(resampled))
        if video:
            container.mux(video.encode())
        if audio:
            for resampled in resampler.resample(None):
                container.mux(audio.encode(resampled))
            container.mux(audio.encode())
        if data:
            packet = av.Packet(b"something odd")
            packet.stream, packet.pts, packet.dts = data, 0, 0
            container.mux(packet)
    return path


def utterance_rows(*rows: dict) -> pd.DataFrame:
    """Rows of the table UTTERANCES: what is not given is plain or null."""
    plain = dict.fromkeys(UTTERANCES.names)
    plain |= {"split": "train", "dialogue_id": "train/0", "speaker": "Ann", "text": "Well."}
    named = [
        plain | {"utterance_id": f"train/0/{turn}", "turn": turn} | row
        for turn, row in enumerate(rows)
    ]
    return pd.DataFrame(named, dtype=object)
