"""Decoding clips of MELD's kind into a table against bare PyAV.

    python benchmarks/decoding.py

The machine should be idle. One process per core, each with one thread, first decodes with PyAV
alone: one pass over each clip for its sound, resampled to mono, and for frames evenly in time,
scaled; nothing is stored. Then as many do what a job of the rule decode_media does, from digest and
sandbox to the table; what it takes to start the sandbox is left out. Clips are H.264 of 1280 x 720,
3.1 s, with AAC of six channels at 48 kHz. Faces are not looked for. Printed, and written into
docs/results.md: seconds as they pass and of the processors, and what all of MELD would take.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from clips import FRAME_SIZE, SECONDS, readable_clips, remake_clip
from every_core import CORES, one_process_per_core, start_clock
from features import CLIP_MODALITIES, MEDIA_SETTINGS, cpu_seconds, decode_into, utterance_rows
from melds_size import SPLIT_UTTERANCES
from results_page import markdown_table, replace_section

from cberl.configuration import export_package_path

CLIPS, ROUNDS = 25, 5
LEAST_RATIO = 0.9
DIFFERENT, CLIP_RATE, LAYOUT = 8, 48_000, "5.1"


def decode_bare(paths: Sequence[Path]) -> tuple[float, float]:
    """Seconds that pass, and CPU seconds, for PyAV alone."""
    _decode(paths[0])
    return _timed(lambda: [_decode(path) for path in paths])


def decode_own(utterances: pd.DataFrame, folder: Path) -> tuple[float, float]:
    """Seconds that pass, and CPU seconds, for what a job does, without the sandbox's start."""
    target = folder / f"media-{os.getpid()}.parquet"
    rows = [utterances.head(1), utterances]
    started = cpu_seconds()
    first = time.perf_counter()
    decode_into(target, rows[0], folder, MEDIA_SETTINGS, CLIP_MODALITIES)
    start_s, start_cpu = time.perf_counter() - first, cpu_seconds() - started
    seconds, cpu = _timed(
        lambda: decode_into(target, rows[1], folder, MEDIA_SETTINGS, CLIP_MODALITIES)
    )
    share = len(utterances) / (len(utterances) - 1)
    return (seconds - start_s) * share, (cpu - start_cpu) * share


def _timed(function: Any) -> tuple[float, float]:
    began, cpu = start_clock(), cpu_seconds()
    function()
    return time.perf_counter() - began, cpu_seconds() - cpu


def _decode(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import av

    frames, side = MEDIA_SETTINGS.frames, MEDIA_SETTINGS.frame_size
    pictures, sound, number = [], [], 0
    with av.open(path) as clip:
        video, audio = clip.streams.video[0], clip.streams.audio[0]
        for stream in (video, audio):
            stream.codec_context.thread_count = 1
        resampler = av.AudioResampler("s16", "mono", MEDIA_SETTINGS.sample_rate)
        width = round(video.width * side / video.height)
        wanted = set(((np.arange(frames) + 0.5) * video.frames / frames).astype(int))
        for packet in clip.demux(video, audio):
            for frame in packet.decode():
                if packet.stream is audio:
                    sound += [piece.to_ndarray() for piece in resampler.resample(frame)]
                    continue
                if number in wanted:
                    scaled = frame.reformat(width, side, "rgb24", threads=1)
                    pictures.append(scaled.to_ndarray())
                number += 1
    return np.stack(pictures), np.concatenate(sound, axis=1)


def main() -> int:
    os.environ["OMP_NUM_THREADS"] = "1"
    export_package_path()
    ratios: dict[str, list[float]] = {"passing": [], "CPU": []}
    times: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name, one_process_per_core() as run:
        folder = Path(name)
        clips = [folder / f"{number}.mp4" for number in range(DIFFERENT)]
        for source, clip in zip(readable_clips(DIFFERENT), clips, strict=True):
            remake_clip(source, clip, SECONDS, FRAME_SIZE, CLIP_RATE, LAYOUT)
        paths = [clips[number % DIFFERENT] for number in range(CLIPS)]
        utterances = utterance_rows([""] * CLIPS, clips)
        for _ in range(ROUNDS):
            bare, own = run(decode_bare, paths), run(decode_own, utterances, folder)
            for place, kind in enumerate(ratios):
                ratios[kind].append(max(b[place] for b in bare) / max(o[place] for o in own))
            times.append(max(own))
    rows, all_met = [], True
    for place, (kind, found) in enumerate(ratios.items()):
        ratio = statistics.median(found)
        each = statistics.median(one[place] for one in times) / CLIPS
        met = ratio >= LEAST_RATIO
        all_met &= met
        whole = f"{each * sum(SPLIT_UTTERANCES.values()) / CORES / 60:.1f}"
        numbers = (f"{1000 * each:.0f}", f"{1000 * each * ratio:.0f}", f"{ratio:.2f}")
        rows.append((kind, *numbers, f"{LEAST_RATIO:.2f}", "yes" if met else "no", whole))
    header = ("seconds", "ms a clip", "PyAV alone", "ratio", "at least", "met")
    table = markdown_table((*header, f"MELD on {CORES} cores, min"), rows)
    print(table)
    replace_section("decoding", table)
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
