"""Speed and size of the whole pipeline on the embedded corpus, in a working directory of its own.

    make bench

The machine should be idle. Printed, and written into docs/results.md: wall time of the whole run,
Snakemake's own share of it, wall time of a second run that has nothing to do, peak memory of the
largest job, and time per rule. Snakemake's own share is the wall time less the jobs' own time on
the critical path: the chain of jobs in which each began when the one before it had ended.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from results_page import markdown_table, replace_section

PROJECT = Path(__file__).resolve().parent.parent
BOUNDS = {
    "whole run, s": 240.0,
    "Snakemake's own share, %": 15.0,
    "second, empty run, s": 8.0,
    "peak memory of a job, MB": 2048.0,
}


@dataclass(frozen=True)
class JobTimes:
    """One job that ran: seconds since the epoch."""

    rule: str
    start: float
    end: float


def run_snakemake(folder: Path) -> float:
    """Run the demo in ``folder``; return the wall time in seconds."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", str(folder)]
    command += ["--snakefile", str(PROJECT / "workflow/Snakefile")]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - started


def read_jobs(folder: Path) -> list[JobTimes]:
    """Start and end of every job, from what Snakemake keeps of each output file."""
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


def critical_path(jobs: list[JobTimes]) -> list[JobTimes]:
    """From the job that ended last, back to the one that ended last before it began, and so on."""
    path = [jobs[-1]]
    while earlier := [job for job in jobs if job.end <= path[-1].start]:
        path.append(earlier[-1])
    return path[::-1]


def peak_memory(folder: Path) -> tuple[float, str]:
    """Largest peak that a job's log tells, in MB, and that log's name."""
    peaks = []
    for log in (folder / "results/demo/logs").rglob("*.log"):
        for found in re.findall(r"peak memory (\d+) MB", log.read_text(errors="replace")):
            peaks.append((float(found), str(log.relative_to(folder / "results/demo/logs"))))
    return max(peaks)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wall = run_snakemake(folder)
        jobs = read_jobs(folder)
        path = critical_path(jobs)
        own = wall - sum(job.end - job.start for job in path)
        again = run_snakemake(folder)
        memory, largest = peak_memory(folder)
    measured = dict(zip(BOUNDS, (wall, 100 * own / wall, again, memory), strict=True))
    bounds = [
        (what, f"{value:.1f}", f"{BOUNDS[what]:.0f}", "yes" if value <= BOUNDS[what] else "no")
        for what, value in measured.items()
    ]
    rules = []
    for rule in sorted({job.rule for job in jobs}):
        times = [job.end - job.start for job in jobs if job.rule == rule]
        rules.append((rule, str(len(times)), f"{sum(times):.1f}", f"{max(times):.1f}"))
    text = "\n\n".join(
        (
            markdown_table(("quantity", "measured", "at most", "met"), bounds),
            "Seconds per rule:",
            markdown_table(("rule", "jobs", "sum", "longest"), rules),
            f"Critical path: {', '.join(job.rule for job in path)}. Largest job: {largest}.",
        )
    )
    print(text)
    replace_section("pipeline", text)


if __name__ == "__main__":
    main()
