"""Running the pipeline in a folder, and what its jobs took."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from results_page import markdown_table

from cberl.configuration import PROJECT


@dataclass(frozen=True)
class JobTimes:
    """One job that ran: seconds since the epoch."""

    rule: str
    start: float
    end: float


def snakemake_command(folder: Path, *arguments: str) -> list[str]:
    """The command line that runs the pipeline in ``folder``."""
    command = [sys.executable, "-m", "snakemake", "--directory", str(folder)]
    return [*command, "--snakefile", str(PROJECT / "workflow/Snakefile"), *arguments]


def run_snakemake(
    folder: Path,
    *arguments: str,
    cores: int | str = 2,
    show: bool = False,
    environment: Mapping[str, str] | None = None,
) -> float:
    """Run the pipeline in ``folder``.

    Args:
        arguments: further ones of Snakemake's command line.
        show: print its progress; otherwise its output is printed only if it fails.
        environment: all variables of the process; None: those of this one.

    Returns:
        Wall time in seconds.

    Raises:
        SystemExit: Snakemake failed.
    """
    command = snakemake_command(folder, "--cores", str(cores), *arguments)
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=not show, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr or f"snakemake ended with status {done.returncode}")
    return time.perf_counter() - started


def clocked(clock: Path) -> dict[str, str]:
    """Variables with which every Python process writes its cost into the file ``clock``."""
    path = os.pathsep.join(
        [str(PROJECT / "benchmarks/job_clock"), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    return os.environ | {"PYTHONPATH": path, "JOB_CLOCK": str(clock)}


def read_clock(clock: Path) -> pd.DataFrame:
    """The cost of each process: columns script, seconds, memory_mb, imports_s."""
    return pd.read_csv(clock, sep="\t", names=["script", "seconds", "memory_mb", "imports_s"])


def read_jobs(folder: Path) -> list[JobTimes]:
    """Start and end of every job, from Snakemake's record of each output file."""
    times: dict[tuple[str, ...], tuple[float, float]] = {}
    for path in (folder / ".snakemake/metadata").rglob("*"):
        if path.is_file():
            record = json.loads(path.read_text())
            # One record per output file, a moment apart; a job has one log.
            job = (record["rule"], *record["log"])
            start, end = times.get(job, (record["starttime"], record["endtime"]))
            times[job] = (min(start, record["starttime"]), max(end, record["endtime"]))
    jobs = [JobTimes(job[0], start, end) for job, (start, end) in times.items()]
    return sorted(jobs, key=lambda job: job.end)


def peak_memories(logs: Path) -> dict[str, int]:
    """Peak memory in MB by each job's log: of its process and its largest child together.

    Returns:
        name of the log in the folder ``logs`` -> MB.
    """
    peaks = {}
    for log in sorted(logs.rglob("*.log")):
        found = re.findall(r"peak memory (\d+) MB", log.read_text(errors="replace"))
        if found:
            peaks[log.relative_to(logs).as_posix()] = max(map(int, found))
    return peaks


def rules_table(jobs: Iterable[JobTimes]) -> str:
    """A Markdown table of how many jobs each rule had and how many seconds they took."""
    times: dict[str, list[float]] = {}
    for job in jobs:
        times.setdefault(job.rule, []).append(job.end - job.start)
    rows = [
        (rule, str(len(seconds)), f"{sum(seconds):.1f}", f"{max(seconds):.1f}")
        for rule, seconds in sorted(times.items())
    ]
    return markdown_table(("rule", "jobs", "sum", "longest"), rows)
