"""A made corpus of MELD's full size through ingest and the extraction of all modalities.

    make bench-corpus

The machine should be idle. 13,708 clips in MELD's own layout: the demo corpus's, encoded again
(H.264; AAC at 48 kHz, 5.1 in most, stereo in some), a few of them as large as MELD's own and longer
than most. Each copy differs from the others by an empty box at its end; some have no moov atom, and
some are missing. Annotations are MELD's if their folder is named, else the demo corpus's over
and over. The configuration is config/meld.yaml with all-MiniLM-L6-v2 as published, few frames and
a small untrained network for video. About 0.7 GB on disk.

Printed, and written into docs/results.md: how long `snakemake -n` takes before and after the run,
peak memory of the largest job of each rule (the job and its largest child together, as its log
tells) against 1.5 GiB and the encoder, which is counted as the bytes of its parameters and buffers;
whether every row is in the table of quality and in those of features; seconds per rule.
"""

import argparse
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import yaml
from clips import add_meld_argument, read_annotations, readable_clips, remake_clip
from melds_size import SPLIT_UTTERANCES
from results_page import markdown_table, replace_section
from snakemake_runs import peak_memories, read_jobs, rules_table, run_snakemake

from cberl.artifacts import read_table
from cberl.configuration import PROJECT
from cberl.corpus.annotations import MELD_CLIP_FOLDERS
from cberl.corpus.tables import QUALITY, UTTERANCES
from cberl.features.tables import FEATURES
from cberl.modalities import MODALITIES, SPLITS

FULL = sum(SPLIT_UTTERANCES.values())
SMALL_CLIPS, SMALL_S, SMALL_SIZE = 32, 1.0, (192, 144)
LARGE_CLIPS, LARGE_S, LARGE_SIZE = 4, 8.0, (1280, 720)
SAMPLE_RATE = 48_000
SHARDS = 16
# Which rows have a large clip, one without a moov atom, or none: so many, at these places of each
# so many rows.
EVERY_LARGE, LARGE_AT = 100, 10
EVERY_BROKEN, WITHOUT_MOOV_AT, MISSING_AT = 1000, 40, 60
SETTINGS: dict[str, Any] = {"device": "cpu", "media": {"frames": 2, "frame_size": 112}}
TEXT = {"encoder": "minilm", "finetune": {"enabled": False}}
VIDEO = {"encoder": "squeezenet1_1", "weights": "none"}
MOST_MB = 1536
MOST_SECONDS_OF_DRY_RUN = 10.0


def make_corpus(folder: Path, meld: Path | None, utterances: int) -> int:
    """Write tables and clips; clips that are there already are kept.

    Returns:
        how many rows have no clip that can be decoded.
    """
    small, large = make_distinct_clips(folder.parent / "clips")
    number = broken = 0
    for split, table in read_annotations(meld).items():
        rows = table.head(max(1, round(len(table) * utterances / FULL)))
        clips = folder / MELD_CLIP_FOLDERS[split][0]
        clips.mkdir(parents=True, exist_ok=True)
        rows.to_csv(folder / f"{split}_sent_emo.csv", index=False, lineterminator="\r\n")
        for dialogue, utterance in zip(rows["Dialogue_ID"], rows["Utterance_ID"], strict=True):
            target = clips / f"dia{dialogue}_utt{utterance}.mp4"
            originals, turn = small, number
            if number % EVERY_LARGE == LARGE_AT:
                originals, turn = large, number // EVERY_LARGE
            place = number % EVERY_BROKEN
            broken += place in (WITHOUT_MOOV_AT, MISSING_AT)
            if place != MISSING_AT and not target.exists():
                data = originals[turn % len(originals)]
                if place == WITHOUT_MOOV_AT:
                    data = data[: data.rindex(b"moov") - 4]
                write_whole(target, data + free_box(f"{split}/{dialogue}/{utterance}"))
            number += 1
    return broken


def write_whole(target: Path, data: bytes) -> None:
    """Write a file that is either whole or not there, however a run may end."""
    unfinished = target.with_suffix(".unfinished")
    unfinished.write_bytes(data)
    unfinished.replace(target)


def make_distinct_clips(folder: Path) -> tuple[list[bytes], list[bytes]]:
    """The clips that all others are copies of: small ones and large ones."""
    folder.mkdir(parents=True, exist_ok=True)
    made: tuple[list[bytes], list[bytes]] = ([], [])
    kinds = ((SMALL_CLIPS, SMALL_S, SMALL_SIZE), (LARGE_CLIPS, LARGE_S, LARGE_SIZE))
    for clips, (count, seconds, size) in zip(made, kinds, strict=True):
        for number, source in enumerate(readable_clips(count)):
            target = folder / f"{size[0]}x{size[1]}_{number}.mp4"
            layout = "stereo" if number % 4 == 0 else "5.1"
            remake_clip(source, target, seconds, size, SAMPLE_RATE, layout)
            clips.append(target.read_bytes())
    return made


def free_box(text: str) -> bytes:
    """A box of an MP4 file that its readers skip."""
    content = text.encode()
    return struct.pack(">I4s", 8 + len(content), b"free") + content


def write_configuration(folder: Path, utterances: int) -> dict[str, Any]:
    """Write config/config.yaml of the run: MELD's, with little to do for text and video.

    A smaller corpus has fewer shards, of about the same size.
    """
    settings = yaml.safe_load((PROJECT / "config/meld.yaml").read_text(encoding="utf-8"))
    settings |= SETTINGS | {"shards": max(1, round(SHARDS * utterances / FULL))}
    settings["corpus"]["root"] = "corpus"
    settings["features"]["text"] |= TEXT
    settings["features"]["video"] = VIDEO
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config/config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return settings


def encoder_mb() -> dict[str, float]:
    """Rule -> MB of the parameters and buffers of the network that it loads."""
    from cberl.features.text.transformer import load_transformer
    from cberl.features.video.backbone import load_backbone

    networks = {
        "extract_text": load_transformer(TEXT["encoder"]).model,
        "extract_video": load_backbone(VIDEO["encoder"], VIDEO["weights"]).module,
    }
    return {
        rule: sum(part.nbytes for part in (*network.parameters(), *network.buffers())) / 2**20
        for rule, network in networks.items()
    }


def memory_rows(logs: Path) -> list[tuple[str, ...]]:
    """A row of the table for each rule: the peak of its largest job."""
    largest: dict[str, int] = {}
    for name, peak in peak_memories(logs).items():
        rule = name.split("/")[0].removesuffix(".log")
        largest[rule] = max(peak, largest.get(rule, 0))
    encoders = encoder_mb()
    rows = []
    for rule, peak in sorted(largest.items()):
        most = MOST_MB + encoders.get(rule, 0.0)
        bound = f"at most {most:.0f}"
        if rule in encoders:
            bound += f" (encoder: {encoders[rule]:.0f})"
        rows.append((f"peak memory of {rule}, MiB", str(peak), bound, yes(peak <= most)))
    return rows


def completeness_rows(results: Path, made: int, broken: int) -> list[tuple[str, ...]]:
    """Rows of the table about lost utterances: none, and none unavailable whose clip is whole."""
    ids = read_table(results / "corpus/utterances.parquet", UTTERANCES)["utterance_id"]
    quality = read_table(results / "corpus/quality.parquet", QUALITY)
    rows = [("utterances", f"{len(ids):,}", f"{made:,}", yes(ids.nunique() == len(ids) == made))]
    for modality in MODALITIES:
        assessed = quality[quality["modality"] == modality]
        found = assessed["utterance_id"]
        what = f"rows of {modality} in the quality table"
        rows.append((what, f"{len(found):,}", f"{made:,}", yes(same(found, ids))))
        unusable = int((~assessed["available"].astype(bool)).sum())
        expected = 0 if modality == "text" else broken
        what = f"of them unavailable, {modality}"
        rows.append((what, f"{unusable:,}", f"{expected:,}", yes(unusable == expected)))
        tables = [results / f"features/{modality}/{split}.parquet" for split in SPLITS]
        found = pd.concat([read_table(path, FEATURES, ["utterance_id"]) for path in tables])
        what = f"rows of {modality} features"
        met = yes(same(found["utterance_id"], ids))
        rows.append((what, f"{len(found):,}", f"{made:,}", met))
    return rows


def same(found: pd.Series, ids: pd.Series) -> bool:
    """Whether both name the same utterances, each once."""
    return sorted(found) == sorted(ids)


def yes(met: bool) -> str:
    return "yes" if met else "no"


@contextmanager
def working_folder(named: Path | None) -> Iterator[Path]:
    """The folder that was named, or one that is removed in the end."""
    if named is not None:
        named.mkdir(parents=True, exist_ok=True)
        yield named.resolve()
    else:
        with TemporaryDirectory() as name:
            yield Path(name).resolve()


def measure(folder: Path, meld: Path | None, utterances: int, cores: int) -> tuple[str, bool]:
    """Make the corpus and run the pipeline on it: the tables, and whether all bounds are met."""
    broken = make_corpus(folder / "corpus", meld, utterances)
    made = sum(max(1, round(size * utterances / FULL)) for size in SPLIT_UTTERANCES.values())
    print(f"made {made:,} utterances in {folder}, {broken} of them broken", flush=True)
    settings = write_configuration(folder, utterances)
    dry_runs = [run_snakemake(folder, "--dry-run", cores=cores)]
    wall = run_snakemake(folder, "features", cores=cores, show=True)
    dry_runs.append(run_snakemake(folder, "--dry-run", cores=cores))
    rows = [
        (
            f"snakemake -n {when}, s",
            f"{seconds:.1f}",
            f"at most {MOST_SECONDS_OF_DRY_RUN:g}",
            yes(seconds <= MOST_SECONDS_OF_DRY_RUN),
        )
        for when, seconds in zip(("before", "after"), dry_runs, strict=True)
    ]
    results = folder / "results" / settings["corpus"]["name"]
    rows += memory_rows(results / "logs") + completeness_rows(results, made, broken)
    whose = "MELD's own annotations" if meld else "made-up annotations"
    text = "\n\n".join(
        (
            f"{made:,} utterances, {whose}, {broken} clips broken; {wall:.0f} s, cores: {cores}.",
            markdown_table(("quantity", "measured", "bound", "met"), rows),
            "Seconds per rule:",
            rules_table(read_jobs(folder)),
        )
    )
    return text, all(row[-1] == "yes" for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_meld_argument(parser)
    parser.add_argument(
        "--folder",
        type=Path,
        help="of corpus and results; kept, and gone on with (by default a temporary one)",
    )
    parser.add_argument(
        "--utterances",
        type=int,
        default=FULL,
        help="fewer for a quick look, which is printed only",
    )
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    with working_folder(arguments.folder) as folder:
        text, all_met = measure(folder, arguments.meld, arguments.utterances, arguments.cores)
    print(text)
    if arguments.utterances == FULL:
        replace_section("full-corpus", text)
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
