"""What it costs to hold every artifact against its digest, beside reading it.

    python benchmarks/digests.py

Files of MELD's size are made, in a temporary folder, and read as jobs read them. "Cold" is with
the file out of the system's cache, "warm" with all of it in there, where the check weighs most.
The machine should be idle. Printed, and written into docs/reliability.md.
"""

import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from melds_size import SPLIT_UTTERANCES
from results_page import markdown_table, replace_section

from cberl import digests
from cberl.artifacts import (
    read_batches,
    read_matrix,
    read_table,
    read_tensors,
    write_table,
    write_tensors,
)
from cberl.configuration import PROJECT
from cberl.corpus.tables import MEDIA
from cberl.features.tables import FEATURES

PAGE = PROJECT / "docs/reliability.md"
UTTERANCES = sum(SPLIT_UTTERANCES.values())
WIDTH = 768
CLIPS = 400  # of a shard: 3 s of sound and 8 frames each
REPEATS = 9
AT_MOST = 3.0


def write_features(path: Path) -> None:
    frame = pd.DataFrame(
        {
            "utterance_id": [f"train/{row // 10}/{row % 10}" for row in range(UTTERANCES)],
            "available": True,
            "is_synthetic": False,
        }
    )
    matrix = np.random.default_rng(0).standard_normal((UTTERANCES, WIDTH))
    write_table(path, FEATURES, frame, {"rule": "made"}, {"features": matrix})


def write_media(path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({column.name: [None] * CLIPS for column in MEDIA.columns})
    frame["utterance_id"] = [f"train/{row // 10}/{row % 10}" for row in range(CLIPS)]
    tones = [300 * random.standard_normal(48000) for _ in range(CLIPS)]
    frame["audio"] = [tone.astype(np.int16) for tone in tones]
    frame["frames"] = [[random.bytes(12_000) for _ in range(8)] for _ in range(CLIPS)]
    write_table(path, MEDIA, frame, {"rule": "made"})


def write_model(path: Path) -> None:
    random = np.random.default_rng(0)
    weights = {f"layer{n}": random.standard_normal((1024, 1024), np.float32) for n in range(20)}
    write_tensors(path, "network", weights, {"rule": "made"})


def read_features(path: Path) -> None:
    read_table(path, FEATURES)
    read_matrix(path, "features")


def read_media(path: Path) -> None:
    for _ in read_batches(path, MEDIA, 16, ["utterance_id", "audio", "frames"]):
        pass


KINDS: dict[str, tuple[str, Callable, Callable]] = {
    "features": ("features.parquet", write_features, read_features),
    "media": ("media.parquet", write_media, read_media),
    "network": ("model.safetensors", write_model, lambda path: read_tensors(path, "network")),
}


def measure(action: Callable[[], object], path: Path, cold: bool) -> float:
    """Milliseconds that an action on a file takes: the median of `REPEATS`."""
    taken = []
    for _ in range(REPEATS):
        if cold:
            forget_pages(path)
        started = time.perf_counter()
        action()
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken)


def forget_pages(path: Path) -> None:
    """Drop a file from the system's cache."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def checked_and_read(path: Path, read: Callable[[Path], object]) -> None:
    digests._checked.clear()
    read(path)


def sha256(path: Path) -> None:
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def main() -> int:
    rows, total = [], {"warm": [0.0, 0.0], "cold": [0.0, 0.0]}
    with tempfile.TemporaryDirectory(dir=PROJECT) as folder:
        for kind, (name, write, read) in KINDS.items():
            path = Path(folder) / name
            write(path)
            digests.check_digest(path)
            for state in total:
                cold = state == "cold"
                plain = measure(lambda path=path, read=read: read(path), path, cold)
                both = measure(
                    lambda path=path, read=read: checked_and_read(path, read), path, cold
                )
                total[state][0] += plain
                total[state][1] += both
                share = 100 * (both - plain) / plain
                other = measure(lambda path=path: sha256(path), path, cold) if not cold else None
                rows.append(
                    (
                        f"{kind}, {state}",
                        f"{path.stat().st_size / 1e6:.0f}",
                        f"{plain:.1f}",
                        f"{both:.1f}",
                        f"{share:+.1f} %",
                        f"{100 * other / plain:+.0f} %" if other else "",
                    )
                )
    shares = {state: 100 * (both - plain) / plain for state, (plain, both) in total.items()}
    for state, share in shares.items():
        plain, both = total[state]
        rows.append((f"all, {state}", "", f"{plain:.1f}", f"{both:.1f}", f"{share:+.1f} %", ""))
    heads = (
        "file",
        "MB",
        "read, ms",
        "checked and read, ms",
        "the check adds",
        "SHA-256 would add",
    )
    table = markdown_table(heads, rows)
    print(table)
    replace_section("digests", table, PAGE)
    return 0 if max(shares.values()) <= AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
