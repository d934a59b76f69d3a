"""Memory that each rule asks for against what its largest job takes, as a corpus grows.

    make bench-memory
    python benchmarks/memory.py --scales 10 --folder FOLDER    (scale by scale)

Corpora of MELD's shape, one, ten and thirty times as large (1,038 training dialogues each time,
9,989 training utterances, vectors of 1,024, 300 and 342 numbers, as text, sound and video often
have): as published features, so that everything from ingest to the report runs, with one epoch of
each training; and as MELD's tables with made shards of text features, for ingest and gathering.
Written into docs/results.md: per rule and size the MB asked for at the first attempt, beside the
MB that its largest job took by its log (its process and its largest child), and megabytes on disk.
A job of SLURM also holds Snakemake; `SNAKEMAKE_MB` of what is asked for are for that. 60 GB on
disk and two hours for all three sizes. In a folder of one's own, what was measured before is kept
and goes into the table too.
"""

import argparse
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from melds_size import EMOTIONS, SPLIT_DIALOGUES, SPLIT_UTTERANCES
from results_page import markdown_table, replace_section
from snakemake_runs import peak_memories, snakemake_command

from cberl.artifacts import open_table
from cberl.corpus.shards import count_shards
from cberl.features.feature_rows import feature_rows
from cberl.features.tables import FEATURES

SCALES = (1, 10, 30)
WIDTHS = {"text": 1024, "audio": 300, "video": 342}
SNAKEMAKE_MB = 300
MOST_OVER = 1.2
"""What may be asked for, of what is taken."""
ONE_PASS = {
    "seeds": [0],
    "device": "cpu",
    "evaluate": {"resamples": 100},
    "oversample": {"gan": {"epochs": 1}},
    "fuse": {"vae": {"epochs": 1}},
    "train": {"epochs": 1},
}
VARIANTS = """variant\toversampler\tfusion\tloss\tdialogue_sampling\tmask_weight
baseline\tnone\tconcat\tcross_entropy\tuniform\t0
smote\tsmote\tconcat\tcross_entropy\tuniform\t0
cberl\tgan\tvae\tldam\tuniform\t0.5
"""


def make_rows(scale: int) -> pd.DataFrame:
    """Utterances of all splits: columns split, dialogue, utterance, speaker, text, label."""
    draw = np.random.default_rng(0)
    chances = np.array(list(EMOTIONS.values())) / sum(EMOTIONS.values())
    words = np.array([f"word{number}" for number in range(3000)], dtype=object)
    frames = []
    for split, count in SPLIT_UTTERANCES.items():
        rows, dialogues = scale * count, scale * SPLIT_DIALOGUES[split]
        dialogue = np.sort(draw.integers(dialogues, size=rows))
        frame = pd.DataFrame({"split": split, "dialogue": dialogue})
        frame["utterance"] = frame.groupby("dialogue").cumcount()
        frame["speaker"] = draw.integers(5, size=rows).astype(str)
        frame["text"] = [" ".join(some) for some in draw.choice(words, (rows, 8))]
        frame["label"] = draw.choice(list(EMOTIONS), rows, p=chances)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def write_published(path: Path, rows: pd.DataFrame) -> None:
    """A file of features: normal vectors, some of them absent, with a class's own mean."""
    draw = np.random.default_rng(1)
    centres = {name: draw.standard_normal((len(EMOTIONS), width)) for name, width in WIDTHS.items()}
    numbers = pd.Categorical(rows["label"], categories=list(EMOTIONS)).codes
    writer = None
    for start in range(0, len(rows), 4096):
        part = rows.iloc[start : start + 4096].astype({"dialogue": str, "utterance": str})
        part["dialogue"] = part["split"] + part["dialogue"]  # no name in two splits
        table = pa.Table.from_pandas(part, preserve_index=False)
        for name, width in WIDTHS.items():
            noise = draw.standard_normal((len(part), width), dtype=np.float32)
            matrix = noise + 0.2 * centres[name][numbers[start : start + 4096]].astype(np.float32)
            vectors = pa.FixedSizeListArray.from_arrays(
                pa.array(matrix.ravel()), width, mask=pa.array(draw.random(len(part)) < 0.02)
            )
            table = table.append_column(f"{name}_features", vectors)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def write_meld(folder: Path, rows: pd.DataFrame) -> None:
    """MELD's three tables."""
    folder.mkdir(parents=True)
    for split in SPLIT_UTTERANCES:
        own = rows[rows["split"] == split]
        pd.DataFrame(
            {
                "Utterance": own["text"],
                "Speaker": own["speaker"],
                "Emotion": own["label"],
                "Dialogue_ID": own["dialogue"],
                "Utterance_ID": own["utterance"],
                "StartTime": "00:00:01,000",
                "EndTime": "00:00:03,000",
            }
        ).to_csv(folder / f"{split}_sent_emo.csv", index=False)


def write_shards(folder: Path, ids: np.ndarray, dialogues: np.ndarray, shards: int) -> None:
    """Shards of text features, as `extract_text` would leave them."""
    draw = np.random.default_rng(2)
    numbers = pd.factorize(dialogues)[0] % shards
    for number in range(shards):
        path = folder / f"{number + 1}-of-{shards}.parquet"
        with open_table(path, FEATURES, {}, {"modality": "text"}) as table:
            own = ids[numbers == number]
            for start in range(0, len(own), 4096):
                part = own[start : start + 4096]
                matrix = draw.standard_normal((len(part), WIDTHS["text"]), dtype=np.float32)
                table.write(feature_rows(part, matrix), {"features": matrix})


def run(folder: Path, *arguments: str) -> str:
    """Run Snakemake in a folder, one job at a time: all that it prints.

    Raises:
        SystemExit: it failed.
    """
    command = snakemake_command(folder, "--cores", "1", "--keep-going", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-4000:])
    return done.stderr


def read_requests(printed: str) -> dict[str, int]:
    """Log of each job that ran -> MB that it asked for, from what Snakemake printed of it."""
    pattern = r"\n    log: ([^\n]+)\n(?:    [^\n]*\n)*?    resources: [^\n]*?mem_mb=(\d+)"
    found = re.findall(pattern, printed)
    return {log.split("/logs/")[1]: int(mb) for log, mb in found if "/logs/" in log}


def measure(folder: Path, scale: int) -> dict[str, tuple[int, int]]:
    """Rule -> MB asked for and MB taken, each of its largest job."""
    rows = make_rows(scale)
    logs: dict[str, tuple[int, int]] = {}
    for name, prepare in (("published", run_published), ("recorded", run_recorded)):
        own = folder / name
        (own / "config").mkdir(parents=True)
        (own / "config/variants.tsv").write_text(VARIANTS)
        printed = prepare(own, rows)
        requests = read_requests(printed)
        for log, peak in peak_memories(own / f"results/{name}/logs").items():
            rule = log.split("/")[0].removesuffix(".log")
            before = logs.get(rule, (0, 0))
            if log in requests and peak >= before[1]:
                logs[rule] = (requests[log], peak)
    return logs


def write_configuration(folder: Path, corpus: dict[str, object], **settings: object) -> None:
    """config/config.yaml of a run."""
    text = yaml.safe_dump({"corpus": corpus, **ONE_PASS, **settings})
    (folder / "config/config.yaml").write_text(text)


def run_published(folder: Path, rows: pd.DataFrame) -> str:
    """Everything from a file of features on."""
    (folder / "corpus").mkdir()
    write_published(folder / "corpus/features.parquet", rows)
    corpus = {"name": "published", "kind": "features", "root": "corpus"}
    write_configuration(folder, corpus | {"file": "features.parquet"})
    return run(folder)


def run_recorded(folder: Path, rows: pd.DataFrame) -> str:
    """MELD's tables, and the gathering of text features."""
    write_meld(folder / "corpus", rows)
    corpus = {"name": "recorded", "kind": "meld", "root": "corpus"}
    write_configuration(folder, corpus, modalities=["text"])
    printed = run(folder, "results/recorded/corpus/quality.parquet")
    names = rows.astype({"dialogue": str, "utterance": str})
    dialogues = (names["split"] + "/" + names["dialogue"]).to_numpy(dtype=object)
    ids = (dialogues + "/" + names["utterance"]).to_numpy(dtype=object)
    tables = [folder / f"corpus/{split}_sent_emo.csv" for split in SPLIT_UTTERANCES]
    shards = folder / "results/recorded/features/text/shards"
    write_shards(shards, ids, dialogues, count_shards("auto", tables)[1])
    target = "results/recorded/features/text/train.parquet"
    return printed + run(folder, target, "--allowed-rules", "gather_features")


def measure_scale(scale: int, folder: Path | None) -> dict[str, Any]:
    """``rules`` as of `measure`, and ``results_mb`` on disk."""
    with TemporaryDirectory(dir=folder) as name:
        rules = measure(Path(name), scale)
        files = [path for path in Path(name, "published/results").rglob("*") if path.is_file()]
        results_mb = sum(path.stat().st_size for path in files) / 1e6
    return {"rules": rules, "results_mb": results_mb}


def describe(measured: Mapping[int, Mapping[str, Any]]) -> str:
    """The table of what was measured at some scales, and what it shows."""
    rules = sorted({rule for scale in measured.values() for rule in scale["rules"]})
    rows = []
    for rule in rules:
        cells = [scale["rules"].get(rule) for scale in measured.values()]
        rows.append((rule, *(f"{cell[0]:,} / {cell[1]:,}" if cell else "" for cell in cells)))
    utterances = sum(SPLIT_UTTERANCES.values())
    header = ("rule", *(f"{scale * utterances:,} utterances" for scale in measured))
    too_little, too_much = [], []
    for scale, found in measured.items():
        for rule, (asked, took) in sorted(found["rules"].items()):
            if took + SNAKEMAKE_MB > asked:
                too_little.append(f"{rule} at {scale}x")
            elif asked > MOST_OVER * (took + SNAKEMAKE_MB):
                too_much.append(f"{rule} at {scale}x")
    sizes = (f"{found['results_mb']:,.0f} MB at {scale}x" for scale, found in measured.items())
    return "\n\n".join(
        (
            markdown_table(header, rows),
            f"More was taken than asked for: {', '.join(too_little) or 'nowhere'}.",
            f"More than a fifth too much was asked for: {', '.join(too_much) or 'nowhere'}.",
            f"Results on disk: {', '.join(sizes)}.",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scales", type=int, nargs="+", default=SCALES, metavar="N")
    parser.add_argument("--folder", type=Path, help="where to work, and to keep what was measured")
    arguments = parser.parse_args()
    measured = {}
    kept = arguments.folder / "measured.json" if arguments.folder else None
    if kept and kept.exists():
        measured = {int(scale): found for scale, found in json.loads(kept.read_text()).items()}
    for scale in arguments.scales:
        measured[scale] = measure_scale(scale, arguments.folder)
        if kept:
            kept.write_text(json.dumps(measured))
    text = describe(dict(sorted(measured.items())))
    print(text)
    replace_section("memory", text)


if __name__ == "__main__":
    main()
