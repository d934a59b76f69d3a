"""How long Snakemake takes to know all jobs of a large corpus, and how much memory.

    make dag-size

Makes up a manifest of a million utterances (or --utterances), has Snakemake build the DAG of the
whole run in a dry run, on one machine and with the profile for SLURM, writes the figures into
docs/slurm.md and fails where it took more than 60 s or 2 GiB. Nothing is decoded: the clips that
the manifest names do not exist.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from results_page import markdown_table, replace_section
from snakemake_runs import snakemake_command

from cberl.configuration import PROJECT
from cberl.corpus.readers.meld import MELD_CLASSES

TURNS = 12
MAX_SECONDS = 60
MAX_GIB = 2
PROFILES = ("default", "slurm")


def write_manifest(path: Path, utterances: int) -> None:
    """Write a table of conversations of `TURNS` turns between two speakers."""
    with path.open("w", encoding="utf-8") as handle:
        handle.write("dialogue\tutterance\tspeaker\ttext\tlabel\tmedia\n")
        for number in range(utterances):
            dialogue, turn = divmod(number, TURNS)
            label = MELD_CLASSES[number * number % len(MELD_CLASSES)]
            handle.write(
                f"d{dialogue}\t{turn}\ts{turn % 2}\tmade-up turn {number}\t{label}"
                f"\tclips/d{dialogue}/{turn}.mp4\n"
            )


def write_configuration(folder: Path, shards: int, seeds: int) -> None:
    settings = {
        "corpus": {"name": "large", "kind": "table", "root": "corpus", "file": "utterances.tsv"},
        "shards": shards,
        "seeds": list(range(seeds)),
    }
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text(yaml.safe_dump(settings))


def build_dag(folder: Path, profile: str) -> tuple[Counter, float, float]:
    """Build the DAG in a dry run.

    Returns:
        rule -> number of jobs, seconds, and GiB of memory at the peak.
    """
    command = snakemake_command(folder, "--dry-run", "--quiet", "rules", "reason")
    command += ["--workflow-profile", str(PROJECT / "workflow/profiles" / profile)]
    with (folder / "jobs.txt").open("w+", encoding="utf-8") as output:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise SystemExit(text)
    table = text.split("Job stats:")[1].split("total")[0].splitlines()[3:]
    jobs = Counter({line.split()[0]: int(line.split()[1]) for line in table if line.strip()})
    return jobs, seconds, usage.ru_maxrss / 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--utterances", type=int, default=1_000_000)
    parser.add_argument("--shard-size", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    shards = -(-arguments.utterances // arguments.shard_size)
    within, rows = True, []
    for profile in PROFILES:
        with TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "corpus").mkdir()
            write_manifest(folder / "corpus/utterances.tsv", arguments.utterances)
            write_configuration(folder, shards, arguments.seeds)
            jobs, seconds, gib = build_dag(folder, profile)
        within &= seconds <= MAX_SECONDS and gib <= MAX_GIB
        counts = (arguments.utterances, shards, arguments.seeds, sum(jobs.values()))
        rows.append((profile, *(f"{count:,}" for count in counts), f"{seconds:.0f}", f"{gib:.2f}"))
    header = ("profile", "utterances", "shards", "seeds", "jobs", "s", "GiB")
    text = (
        f"{markdown_table(header, rows)}\n\nAt most {MAX_SECONDS} s and {MAX_GIB} GiB are allowed."
    )
    print(text)
    replace_section("dag-size", text, PROJECT / "docs/slurm.md")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
