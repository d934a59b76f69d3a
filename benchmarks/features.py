"""Speed of feature extraction against the bare libraries, and by the size of the corpus.

    make bench-features                     # both comparisons, one after the other
    python benchmarks/features.py           # throughput against bare libraries
    python benchmarks/features.py --flat    # cost per utterance and memory, 500 against 13,700

The machine should be idle. Printed, and written into docs/results.md.

Against the bare libraries: one process per core, each with one thread, does first what
`bare_extraction` does and then the same through the pipeline's own readers, extractors and tables,
from the same moment on; loading encoders is in neither. Text comes from the table of utterances,
sound from decoded clips, and video from the clips themselves: they are decoded in a process apart,
their frames are stored as JPEG in a table and read from it again. Faces are not looked for, as the
bare libraries do not.

By size: CPU time of one process with one thread, and of the process that decodes for it; what is
done only once is left out. Clips are tiny and encoders cheap there, so that whatever grows with the
corpus is the larger share of the cost.

Texts are MELD's if the folder of its annotations is named, else the demo corpus's.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bare_extraction import encode_clips, encode_texts, process_sounds
from clips import (
    FRAME_SIZE,
    SECONDS,
    add_meld_argument,
    read_annotations,
    readable_clips,
    remake_clip,
)
from every_core import CORES, keep_to_one_thread, one_process_per_core, start_clock
from results_page import markdown_table, replace_section

from cberl.artifacts import open_table
from cberl.configuration import export_package_path
from cberl.corpus.media.decode import decode_clips
from cberl.corpus.settings import MediaSettings
from cberl.corpus.tables import MEDIA, UTTERANCES
from cberl.features.settings import AudioSettings, TextSettings, VideoSettings
from cberl.features.tables import FEATURES

LEAST_RATIO = {"text": 0.90, "audio": 0.90, "video": 0.85}
UTTERANCES_OF = {"text": 1500, "audio": 100, "video": 16}
ROUNDS = 3
SMALL, LARGE = 500, 13_700
MOST_GROWTH = 10.0
WARM_UP = 32
RATE = 16_000
MEDIA_SETTINGS = MediaSettings(sample_rate=RATE, faces=False)
SETTINGS = {
    "text": TextSettings(),
    "audio": AudioSettings(),
    "video": VideoSettings(encoder="r3d_18", weights="none"),
}
CHEAP_MEDIA = replace(MEDIA_SETTINGS, frames=1, frame_size=48)
CHEAP = SETTINGS | {
    "audio": AudioSettings("IS09"),
    "video": replace(SETTINGS["video"], encoder="shufflenet_v2_x0_5"),
}
CLIP_MODALITIES = ("audio", "video")
CHEAP_CLIP_S, CHEAP_CLIP_SIZE = 0.4, (64, 48)


def pick_texts(texts: list[str], count: int) -> list[str]:
    """Texts from all over the corpus, so that few and many are equally long."""
    return [texts[position * len(texts) // count] for position in range(count)]


def utterance_rows(texts: list[str], clips: list[Path] | None = None) -> pd.DataFrame:
    """Rows of the table UTTERANCES, ten turns a dialogue; clips are taken in turn."""
    table = pd.DataFrame(dict.fromkeys(UTTERANCES.names, [None] * len(texts)))
    numbers = range(len(texts))
    return table.astype(object).assign(
        utterance_id=[f"train/{number // 10}/{number % 10}" for number in numbers],
        split="train",
        dialogue_id=[f"train/{number // 10}" for number in numbers],
        turn=[number % 10 for number in numbers],
        speaker="Ann",
        text=texts,
        media_path=[clips[number % len(clips)].name for number in numbers] if clips else None,
    )


def made_sound(seconds: float) -> np.ndarray:
    """A hum with a wavering pitch: int16 [samples]."""
    moments = np.arange(round(seconds * RATE)) / RATE
    pitch = 150 + 30 * np.sin(2 * np.pi * 2 * moments)
    return (9000 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE)).astype(np.int16)


def write_media(path: Path, count: int, **columns: Any) -> None:
    """A table of decoded clips that are all alike; columns that are not given are null."""
    plain = dict.fromkeys(MEDIA.names) | columns
    with open_table(path, MEDIA, {}) as writer:
        for start in range(0, count, 64):
            rows = [
                plain | {"utterance_id": f"train/{number}/0"}
                for number in range(start, min(start + 64, count))
            ]
            writer.write(pd.DataFrame(rows, dtype=object))


def decode_into(
    path: Path,
    utterances: pd.DataFrame,
    root: Path,
    settings: MediaSettings,
    modalities: Sequence[str],
) -> None:
    """Decode the clips of utterances into a table of media, as the rule decode_media does."""
    with open_table(path, MEDIA, {}) as writer:
        for rows in decode_clips(utterances, root, settings, modalities):
            writer.write(rows)


def load_extractor(modality: str, settings: TextSettings | AudioSettings | VideoSettings) -> Any:
    """The pipeline's own extractor of a modality."""
    if modality == "text":
        from cberl.features.text.extract import TextExtractor as Extractor
    elif modality == "audio":
        from cberl.features.audio.extract import AudioExtractor as Extractor
    else:
        from cberl.features.video.extract import VideoExtractor as Extractor
    return Extractor(settings, device="cpu")


def extract_into(path: Path, extractor: Any, source: Any) -> None:
    """Write a table of features, as the rules extract_… do."""
    with open_table(path, FEATURES, {}, extractor.describe()) as writer:
        for frame, features in extractor.extract(source):
            writer.write(frame, {"features": features})


def time_own(modality: str, source: Any, folder: Path) -> float:
    """Seconds of the pipeline's own extraction.

    Args:
        source: rows of the table UTTERANCES, or a table of media.
    """
    extractor = load_extractor(modality, SETTINGS[modality])
    media, target = (folder / f"{name}-{os.getpid()}.parquet" for name in ("media", modality))
    started = start_clock()
    if modality == "video":
        decode_into(media, source, folder, MEDIA_SETTINGS, ["video"])
        source = media
    extract_into(target, extractor, source)
    return time.perf_counter() - started


def compare_with_bare(texts: list[str], share: float) -> tuple[str, bool]:
    """Throughput per modality and its ratio to the bare libraries; whether all are met."""
    counts = {name: max(2, round(share * count)) for name, count in UTTERANCES_OF.items()}
    rows, all_met = [], True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for modality, count in counts.items():
            source, bare = prepare(modality, count, texts, folder)
            own_times, ratios = [], []
            with one_process_per_core() as run:
                for _ in range(ROUNDS):
                    bare_time = max(run(*bare))
                    own_times.append(max(run(time_own, modality, source, folder)))
                    ratios.append(bare_time / own_times[-1])
            ratio, own_time = statistics.median(ratios), statistics.median(own_times)
            met = ratio >= LEAST_RATIO[modality]
            all_met &= met
            speed = count * CORES / own_time
            speeds = (f"{speed:.1f}", f"{speed / ratio:.1f}")
            cells = (*speeds, f"{ratio:.2f}", f"{LEAST_RATIO[modality]:.2f}")
            rows.append((modality, *cells, "yes" if met else "no"))
    header = ("modality", "utterances/s", "bare libraries", "ratio", "at least", "met")
    return markdown_table(header, rows), all_met


def prepare(modality: str, count: int, texts: list[str], folder: Path) -> tuple[Any, tuple]:
    """Inputs of one modality: those of `time_own`, and the bare function with its arguments."""
    settings = SETTINGS[modality]
    if modality == "text":
        picked = pick_texts(texts, count)
        return utterance_rows(picked), (encode_texts, picked, settings)
    if modality == "audio":
        sound, media = made_sound(SECONDS), folder / "audio.parquet"
        write_media(media, count, audio=sound, sample_rate=RATE)
        return media, (process_sounds, [sound] * count, RATE, settings)
    clips = []
    for number, clip in enumerate(readable_clips(4)):
        clips.append(folder / f"{number}.mp4")
        remake_clip(clip, clips[-1], SECONDS, FRAME_SIZE)
    paths = [clips[number % len(clips)] for number in range(count)]
    sampled = (MEDIA_SETTINGS.frames, MEDIA_SETTINGS.frame_size)
    return utterance_rows([""] * count, clips), (encode_clips, paths, *sampled, settings)


def time_decoding(utterances: pd.DataFrame, folder: Path) -> tuple[float, float]:
    """CPU seconds per utterance but for the start of the decoder, and peak memory in MB."""
    target = folder / "decoded.parquet"
    times = []
    for rows in (utterances.head(1), utterances):
        started = cpu_seconds()
        decode_into(target, rows, folder, CHEAP_MEDIA, CLIP_MODALITIES)
        times.append(cpu_seconds() - started)
    decoder = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return (times[1] - times[0]) / (len(utterances) - 1), peak_mb() + decoder


def time_extraction(
    modality: str, first: Any, source: Any, count: int, folder: Path
) -> tuple[float, float]:
    """CPU seconds per utterance once ``first`` has been extracted, and peak memory in MB."""
    keep_to_one_thread()
    extractor = load_extractor(modality, CHEAP[modality])
    for _ in extractor.extract(first):
        pass
    started = cpu_seconds()
    extract_into(folder / f"{modality}-features.parquet", extractor, source)
    return (cpu_seconds() - started) / count, peak_mb()


def cpu_seconds() -> float:
    """CPU time of this process and of the children that have ended."""
    return sum(os.times()[:4])


def peak_mb() -> float:
    """Peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_fresh_process(function: Any, *arguments: Any) -> tuple[float, float]:
    """Run a function where nothing has taken memory or warmed up yet."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def compare_sizes(texts: list[str], share: float) -> tuple[str, bool]:
    """CPU time per utterance and peak memory at two sizes; whether the cost is flat.

    The small size is measured before and after the large one, and its mean is taken.
    """
    counts = [max(WARM_UP, round(share * count)) for count in (SMALL, LARGE)]
    rows, all_met = [], True
    with tempfile.TemporaryDirectory() as name:
        for what, jobs in sized_jobs(counts, texts, Path(name)):
            small, large, again = (in_fresh_process(*jobs[number]) for number in (0, 1, 0))
            before = (small[0] + again[0]) / 2
            growth = 100 * (large[0] / before - 1)
            met = growth <= MOST_GROWTH
            all_met &= met
            costs = (f"{1000 * before:.2f}", f"{1000 * large[0]:.2f}", f"{growth:+.1f}")
            memory = (f"{max(small[1], again[1]):.0f}", f"{large[1]:.0f}")
            rows.append((what, *costs, f"{MOST_GROWTH:g}", "yes" if met else "no", *memory))
    small, large = (f"{count:,}" for count in counts)
    header = ("what", f"ms each of {small}", f"ms each of {large}", "growth, %", "at most", "met")
    memories = (f"peak MB, {small}", f"peak MB, {large}")
    return markdown_table((*header, *memories), rows), all_met


def sized_jobs(
    counts: list[int], texts: list[str], folder: Path
) -> Iterator[tuple[str, list[tuple]]]:
    """What is measured by size: its name, and a function with its arguments for each count."""
    clip = folder / "tiny.mp4"
    remake_clip(readable_clips(1)[0], clip, CHEAP_CLIP_S, CHEAP_CLIP_SIZE)
    for_decoding = [utterance_rows([""] * count, [clip]) for count in counts]
    yield "decoding", [(time_decoding, rows, folder) for rows in for_decoding]
    sources = {count: utterance_rows(pick_texts(texts, count)) for count in (WARM_UP, *counts)}
    yield (
        "text",
        [
            (time_extraction, "text", sources[WARM_UP], sources[count], count, folder)
            for count in counts
        ],
    )
    one = for_decoding[0].head(1)
    decoded = next(decode_clips(one, folder, CHEAP_MEDIA, CLIP_MODALITIES)).iloc[0]
    for modality, columns in (("audio", ("audio", "sample_rate")), ("video", ("frames",))):
        paths = {count: folder / f"{modality}{count}.parquet" for count in (WARM_UP, *counts)}
        for count, path in paths.items():
            write_media(path, count, **{column: decoded[column] for column in columns})
        first = paths[WARM_UP]
        jobs = [(time_extraction, modality, first, paths[count], count, folder) for count in counts]
        yield modality, jobs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_meld_argument(parser)
    parser.add_argument("--flat", action="store_true", help="compare sizes instead")
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="part of the usual inputs (0 to 1): a quick look, which is printed only",
    )
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    export_package_path()
    compare, section = (
        (compare_sizes, "features-flat") if arguments.flat else (compare_with_bare, "features")
    )
    texts = pd.concat(read_annotations(arguments.meld).values())["Utterance"].tolist()
    table, all_met = compare(texts, arguments.share)
    print(table)
    if arguments.share == 1:
        replace_section(section, table)
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
