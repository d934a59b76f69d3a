"""What it costs to hold every artifact against its digest, beside reading it.

    python benchmarks/digests.py

Files of MELD's size are made in a temporary folder and read as jobs read them: once, in a new
process. The baseline reads without the check, tensors with safetensors itself. The files are in the
system's cache, where the check weighs most, and processor time is measured, which other programs
hardly change. The shortest of nine rounds counts. The table is printed and written into
docs/reliability.md.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from melds_size import SPLIT_UTTERANCES
from results_page import markdown_table, replace_section
from safetensors.numpy import load_file

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
    frame = pd.DataFrame(dict.fromkeys(MEDIA.names, [None] * CLIPS))
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
PLAIN, CHECKED, SHA256 = "plain", "checked", "sha256"


def measure(kind: str, path: Path, how: str) -> float:
    """Milliseconds of processor time that the first reading of a process takes."""
    command = [sys.executable, __file__, kind, str(path), how]
    rounds = (subprocess.run(command, capture_output=True, check=True) for _ in range(REPEATS))
    return min(float(done.stdout) for done in rounds)


def read_once(kind: str, path: Path, how: str) -> None:
    """Read a file and print the milliseconds that it took."""
    read = KINDS[kind][2]
    if how == SHA256:
        read = sha256
    elif how == PLAIN:
        read = load_file if kind == "network" else read
        digests._check_open = lambda *_: digests.NO_DIGEST
    started = time.process_time()
    read(path)
    print(1000 * (time.process_time() - started))


def sha256(path: Path) -> None:
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def main() -> int:
    rows, totals = [], dict.fromkeys((PLAIN, CHECKED), 0.0)
    with tempfile.TemporaryDirectory(dir=PROJECT) as folder:
        for kind, (name, write, _) in KINDS.items():
            path = Path(folder) / name
            write(path)
            plain, checked, other = (measure(kind, path, how) for how in (PLAIN, CHECKED, SHA256))
            totals[PLAIN] += plain
            totals[CHECKED] += checked
            size = f"{path.stat().st_size / 1e6:.0f}"
            rows.append((kind, size, *_compared(plain, checked), f"{100 * other / plain:+.0f} %"))
    rows.append(("all", "", *_compared(**totals), ""))
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
    return 0 if totals[CHECKED] <= (1 + AT_MOST / 100) * totals[PLAIN] else 1


def _compared(plain: float, checked: float) -> tuple[str, str, str]:
    return f"{plain:.1f}", f"{checked:.1f}", f"{100 * (checked - plain) / plain:+.1f} %"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        read_once(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(main())
