"""Decode thousands of damaged media files and count what came of them.

    python benchmarks/fuzz_media.py --clips 10000

Exit status 0 if every file has its row in the quality table. Files are made and removed in
batches in a temporary folder. Each decoder that crashed, hung or ran out of memory is named with
the seed and number that remake its file.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pandas as pd

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from made_media import BOTH, SETTINGS, utterance_rows  # noqa: E402
from mutated_media import mutants, whole_files  # noqa: E402

from cberl.corpus.media.decode import decode_clips  # noqa: E402
from cberl.corpus.quality.media_quality import assess_quality  # noqa: E402

BATCH = 1000
WORST = ("crashed", "timed_out", "out_of_memory")


def main() -> None:
    parser = argparse.ArgumentParser(description="Decode damaged media files.")
    parser.add_argument("--clips", type=int, default=10_000, help="how many files")
    parser.add_argument("--seed", type=int, default=0, help="which files")
    arguments = parser.parse_args()
    began = time.monotonic()
    outcomes: Counter[tuple[str, str]] = Counter()
    rows = 0
    with tempfile.TemporaryDirectory() as folder:
        originals = whole_files(Path(folder))
        damaged = mutants(originals, arguments.clips, arguments.seed)
        while batch := list(islice(damaged, BATCH)):
            quality = decode_batch(Path(folder), batch)
            rows += len(quality)
            outcomes.update(
                zip(quality["modality"], quality["reason"].fillna("available"), strict=True)
            )
            for row in quality[quality["reason"].isin(WORST)].to_dict("records"):
                print(row["modality"], row["reason"], row["media_path"], row["detail"])
            print(f"{rows // 2} files in {time.monotonic() - began:.0f} s", flush=True)
    for (modality, outcome), count in sorted(outcomes.items()):
        print(f"{modality:6} {outcome:16} {count:7}")
    if rows != 2 * arguments.clips:
        sys.exit(f"{rows} rows of quality for {arguments.clips} files; expected two each")


def decode_batch(folder: Path, batch: list[tuple[str, bytes]]) -> pd.DataFrame:
    """Write the files, decode them, remove them; every fourth as a cut out of a recording."""
    named = []
    for number, (name, data) in enumerate(batch):
        (folder / name).write_bytes(data)
        cut = {"media_start_s": 0.2, "media_end_s": 0.5} if number % 4 == 0 else {}
        named.append({"media_path": name} | cut)
    utterances = utterance_rows(*named)
    settings = replace(SETTINGS, faces=True, time_limit_s=10)
    media = pd.concat(list(decode_clips(utterances, folder, settings, BOTH)), ignore_index=True)
    for name, _ in batch:
        (folder / name).unlink()
    return assess_quality(utterances, media, BOTH)


if __name__ == "__main__":
    main()
