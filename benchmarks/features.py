"""Speed of feature extraction against the bare libraries, as ratios within one run.

    python benchmarks/features.py           # throughput against bare libraries
    python benchmarks/features.py --flat    # cost per utterance and memory, 500 against 13,700

The machine should be idle. One process per core, each with one thread, runs first the bare
library over inputs in memory, then the extractor over the same inputs in an artifact, tables
written; loading encoders is in neither. Text is MELD's if MELD_ROOT names the folder of its
annotations, else the embedded corpus's; sound and frames are made up.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from cberl.artifacts import open_table
from cberl.configuration import PROJECT, export_package_path
from cberl.corpus.tables import MEDIA
from cberl.features.tables import FEATURES

BOUNDS = {"text": 0.90, "audio": 0.90, "video": 0.85}
ROUNDS = 3
RATE = 16000
FRAMES = 16
SMALL, LARGE = 500, 13_700
SETTINGS = {
    "text": {
        "encoder": "minilm",
        "pooling": "mean",
        "context_turns": 0,
        "max_tokens": 128,
        "batch_size": 64,
        "device": "cpu",
    },
    "audio": {"encoder": "eGeMAPSv02"},
    "video": {"encoder": "r3d_18", "weights": "none", "batch_size": 8, "device": "cpu"},
}
# Where only the growth of the cost matters.
QUICK_VIDEO = SETTINGS["video"] | {"encoder": "squeezenet1_1"}


def transcripts(count: int) -> pd.DataFrame:
    """Utterances with real text, repeated as often as it takes."""
    root = Path(os.environ.get("MELD_ROOT") or PROJECT / "resources/demo")
    texts = pd.read_csv(root / "train_sent_emo.csv")["Utterance"].fillna("").tolist()
    rows = range(count)
    return pd.DataFrame(
        {
            "utterance_id": [f"train/{row // 10}/{row % 10}" for row in rows],
            "dialogue_id": [f"train/{row // 10}" for row in rows],
            "turn": [row % 10 for row in rows],
            "speaker": "A",
            "text": [texts[row % len(texts)] for row in rows],
        }
    )


def made_sound(seconds: float) -> np.ndarray:
    """A hum with a wavering pitch: int16 samples."""
    moments = np.arange(round(seconds * RATE)) / RATE
    pitch = 150 + 30 * np.sin(2 * np.pi * 2 * moments)
    return (9000 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE)).astype(np.int16)


def made_frames(count: int) -> list[bytes]:
    import cv2

    generator = np.random.default_rng(0)
    pictures = [
        cv2.resize(generator.integers(0, 255, (12, 16, 3), dtype=np.uint8), (300, 224))
        for _ in range(count)
    ]
    return [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]


def write_media(path: Path, modality: str, count: int, seconds: float, frames: int) -> None:
    """A table of decoded clips that all hold the same sound or pictures."""
    sound = made_sound(seconds) if modality == "audio" else None
    pictures = made_frames(frames) if modality == "video" else None
    with open_table(path, MEDIA, {}) as writer:
        for start in range(0, count, 64):
            rows = range(start, min(start + 64, count))
            columns = {column.name: [None] * len(rows) for column in MEDIA.columns}
            columns["utterance_id"] = [f"train/{row}/0" for row in rows]
            columns["audio"] = [sound] * len(rows)
            columns["frames"] = [pictures] * len(rows)
            columns["sample_rate"] = [RATE] * len(rows)
            writer.write(pd.DataFrame(columns, dtype=object))


def bare_text(utterances: pd.DataFrame, settings: dict) -> float:
    import torch

    from cberl.features.transformer import load_transformer

    transformer = load_transformer(settings["encoder"])
    texts = utterances["text"].tolist()
    started = time.perf_counter()
    encoded = transformer.tokenizer(texts, truncation=True, max_length=settings["max_tokens"])
    order = np.argsort([-len(ids) for ids in encoded["input_ids"]], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), settings["batch_size"]):
            rows = order[start : start + settings["batch_size"]]
            batch = transformer.tokenizer.pad(
                {name: [values[row] for row in rows] for name, values in encoded.items()},
                return_tensors="pt",
            )
            hidden = transformer.model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            (hidden * mask).sum(dim=1) / mask.sum(dim=1)
    return time.perf_counter() - started


def bare_audio(count: int, seconds: float, settings: dict) -> float:
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet[settings["encoder"]])
    samples = made_sound(seconds)
    started = time.perf_counter()
    for _ in range(count):
        smile(samples.astype(np.float32) / 32768, RATE)
    return time.perf_counter() - started


def bare_video(count: int, settings: dict) -> float:
    import torch

    from cberl.features.network import load_network
    from cberl.features.video import decode_frame

    network = load_network(settings["encoder"], settings["weights"])
    frames = made_frames(FRAMES)
    started = time.perf_counter()
    with torch.inference_mode():
        for start in range(0, count, settings["batch_size"]):
            clips = []
            for _ in range(min(settings["batch_size"], count - start)):
                pictures = torch.from_numpy(np.stack([decode_frame(frame) for frame in frames]))
                clips.append(network.transform(pictures.permute(0, 3, 1, 2)).transpose(0, 1))
            network.module(torch.stack(clips))
    return time.perf_counter() - started


def extract(modality: str, settings: dict, count: int, folder: str) -> tuple[float, float]:
    """Run an extractor over what `write_media` wrote: seconds, and peak memory in MB."""
    from cberl.seeding import limit_threads

    limit_threads(1)
    if modality == "text":
        from cberl.features.text import TextExtractor as Extractor

        source = transcripts(count)
    elif modality == "audio":
        from cberl.features.audio import AudioExtractor as Extractor

        source = Path(folder, f"audio{count}.parquet")
    else:
        from cberl.features.video import VideoExtractor as Extractor

        source = Path(folder, f"video{count}.parquet")
    extractor = Extractor(settings)
    target = Path(folder, f"{modality}-{os.getpid()}.parquet")
    started = time.perf_counter()
    with open_table(target, FEATURES, {}, extractor.describe()) as writer:
        for frame, features in extractor.extract(source):
            writer.write(frame, {"features": features})
    took = time.perf_counter() - started
    return took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bare(modality: str, count: int, seconds: float) -> float:
    from cberl.seeding import limit_threads

    limit_threads(1)
    if modality == "text":
        return bare_text(transcripts(count), SETTINGS["text"])
    if modality == "audio":
        return bare_audio(count, seconds, SETTINGS["audio"])
    return bare_video(count, SETTINGS["video"])


def on_every_core(function, *arguments) -> list:
    """Run a function in one fresh process per core at once."""
    cores = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, context) as pool:
        return [job.result() for job in [pool.submit(function, *arguments) for _ in range(cores)]]


def compare_with_bare() -> bool:
    """Print throughput per modality and its ratio to the bare library; whether all are met."""
    sizes = {"text": (1500, 0.0), "audio": (100, 3.0), "video": (40, 0.0)}
    table = Table("modality", "utterances/s", "bare", "ratio", "bound", title="Extraction")
    met = True
    with tempfile.TemporaryDirectory() as folder:
        for modality, (count, seconds) in sizes.items():
            if modality != "text":
                media = Path(folder, f"{modality}{count}.parquet")
                write_media(media, modality, count, seconds, FRAMES)
            own, ratios = [], []
            for _ in range(ROUNDS):
                bare_time = max(on_every_core(bare, modality, count, seconds))
                runs = on_every_core(extract, modality, SETTINGS[modality], count, folder)
                own_time = max(took for took, _ in runs)
                ratios.append(bare_time / own_time)
                own.append(count * (os.cpu_count() or 1) / own_time)
            ratio, speed = statistics.median(ratios), statistics.median(own)
            met &= ratio >= BOUNDS[modality]
            figures = (f"{speed:.1f}", f"{speed / ratio:.1f}", f"{ratio:.2f}")
            table.add_row(modality, *figures, f"{BOUNDS[modality]:.2f}")
    Console().print(table)
    return met


def compare_sizes() -> bool:
    """Print cost per utterance and peak memory at two sizes; whether the cost is flat."""
    columns = ("modality", "utterances", "ms each", "peak memory, MB")
    table = Table(*columns, title="Cost by size")
    met = True
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for modality, settings in (SETTINGS | {"video": QUICK_VIDEO}).items():
            costs = []
            for count in (SMALL, LARGE):
                if modality != "text":
                    media = Path(folder, f"{modality}{count}.parquet")
                    write_media(media, modality, count, seconds=0.5, frames=1)
                with ProcessPoolExecutor(1, context) as pool:
                    took, memory = pool.submit(extract, modality, settings, count, folder).result()
                costs.append(took / count)
                table.add_row(modality, str(count), f"{1000 * costs[-1]:.2f}", f"{memory:.0f}")
            met &= costs[1] <= 1.1 * costs[0]
    Console().print(table)
    return met


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flat", action="store_true", help="compare sizes instead")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    export_package_path()
    sys.exit(0 if (compare_sizes() if arguments.flat else compare_with_bare()) else 1)


if __name__ == "__main__":
    main()
