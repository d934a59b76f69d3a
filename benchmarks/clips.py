"""Clips and annotations in MELD's layout, made from the demo corpus."""

import argparse
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
from melds_size import SPLIT_UTTERANCES

from cberl.configuration import PROJECT

DEMO = PROJECT / "resources/demo"
# MELD's clips: 3.1 s on average by their annotated times, 1280 x 720, 24 frames a second.
SECONDS, FRAME_SIZE, FRAME_RATE = 3.1, (1280, 720), 24
UNREADABLE = (av.FFmpegError, IndexError, ValueError)


def readable_clips(count: int) -> list[Path]:
    """Clips of the demo corpus: of its dev split, which has no faults."""
    return sorted((DEMO / "dev_splits_complete").glob("dia*.mp4"))[:count]


def remake_clip(
    source: Path,
    target: Path,
    seconds: float,
    size: tuple[int, int],
    sample_rate: int | None = None,
    layout: str = "stereo",
) -> None:
    """Repeat or cut a clip until it is as long as wanted, in H.264 and AAC.

    Args:
        size: width and height in pixels.
        sample_rate: in Hz; the source's by default.
        layout: channels of the sound; all get what is on the source's loudest one.

    Raises:
        one of `UNREADABLE`: the source lacks sound or picture, or cannot be decoded.
    """
    with av.open(source) as clip:
        frames = list(clip.decode(video=0))
    with av.open(source) as clip:
        resampler = av.AudioResampler("fltp", rate=sample_rate or clip.streams.audio[0].rate)
        sound = np.concatenate(
            [
                piece.to_ndarray()
                for frame in [*clip.decode(audio=0), None]
                for piece in resampler.resample(frame)
            ],
            axis=1,
        )
    rate = resampler.rate
    voice = sound[np.abs(sound).max(axis=1).argmax()]
    with av.open(target, "w") as clip:
        video = clip.add_stream("libx264", rate=FRAME_RATE, options={"preset": "veryfast"})
        video.width, video.height = size
        audio = clip.add_stream("aac", rate=rate, layout=layout)
        for number in range(round(seconds * FRAME_RATE)):
            frame = frames[number % len(frames)].reformat(*size, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            clip.mux(video.encode(frame))
        samples = np.resize(voice, (1, round(seconds * rate))).astype(np.float32)
        channels = np.repeat(samples, len(audio.layout.channels), axis=0)
        frame = av.AudioFrame.from_ndarray(channels, "fltp", layout)
        frame.rate, frame.pts = rate, 0
        clip.mux(audio.encode(frame))
        clip.mux([*video.encode(), *audio.encode()])


def add_meld_argument(parser: argparse.ArgumentParser) -> None:
    """Add an option for the folder of MELD's annotations."""
    parser.add_argument(
        "meld",
        nargs="?",
        type=Path,
        default=os.environ.get("MELD_ROOT") or None,
        help="folder of MELD's three CSVs; by default MELD_ROOT, else tables are made up",
    )


def read_annotations(meld: Path | None) -> dict[str, pd.DataFrame]:
    """Read MELD's three tables, or repeat the demo corpus's until they are as long.

    Args:
        meld: folder of MELD's tables.

    Returns:
        split -> its rows; all columns are text.
    """
    tables = {}
    for split, size in SPLIT_UTTERANCES.items():
        path = (meld or DEMO) / f"{split}_sent_emo.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if meld is None:
            numbers = table["Dialogue_ID"].astype(int)
            copies = [
                table.assign(Dialogue_ID=(numbers + copy * (numbers.max() + 1)).astype(str))
                for copy in range(-(-size // len(table)))
            ]
            table = pd.concat(copies, ignore_index=True)
        tables[split] = table.head(size)
    return tables
