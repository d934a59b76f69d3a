"""Speed and size of the whole pipeline on the demo corpus, in a working directory of its own.

    make bench

The machine should be idle. Printed, and written into docs/results.md: wall time of the whole run,
Snakemake's own share of it, seconds of CPU of all processes and the share of imports in them, wall
time of a second run that has nothing to do, peak memory of the job that takes most, and time per
rule. Snakemake's own share is the wall time less the seconds of a
chain of jobs, in which each is the last that had ended before the next one began.
"""

import sys
import tempfile
from pathlib import Path

from results_page import bounds_table, replace_section
from snakemake_runs import (
    JobTimes,
    clocked,
    peak_memories,
    read_clock,
    read_jobs,
    rules_table,
    run_snakemake,
)

BOUNDS = {
    "whole run, s": 90.0,
    "Snakemake's own share, %": 15.0,
    "seconds of CPU": 120.0,
    "imports in them, %": 25.0,
    "second, empty run, s": 2.5,
    "peak memory of a job, MB": 2048.0,
}


def chain_of_jobs(jobs: list[JobTimes]) -> list[JobTimes]:
    """From the job that ended last, back to the one that ended last before it began, and so on."""
    chain = [jobs[-1]]
    while earlier := [job for job in jobs if job.end <= chain[-1].start]:
        chain.append(earlier[-1])
    return chain[::-1]


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wall = run_snakemake(folder, environment=clocked(folder / "clock.tsv"))
        clock = read_clock(folder / "clock.tsv")
        jobs = read_jobs(folder)
        chain = chain_of_jobs(jobs)
        own = wall - sum(job.end - job.start for job in chain)
        again = run_snakemake(folder)
        memories = peak_memories(folder / "results/demo/logs")
    largest = max(memories, key=memories.__getitem__)
    # Jobs are children of Snakemake's, which took most.
    cpu = clock["seconds"].max()
    imports = 100 * clock["imports_s"].sum() / cpu
    values = (wall, 100 * own / wall, cpu, imports, again, memories[largest])
    measured = dict(zip(BOUNDS, values, strict=True))
    table, all_met = bounds_table(measured, BOUNDS)
    text = "\n\n".join(
        (
            table,
            "Seconds per rule:",
            rules_table(jobs),
            f"Chain of jobs: {', '.join(job.rule for job in chain)}."
            f" Job of most memory: {largest.removesuffix('.log')}.",
        )
    )
    print(text)
    replace_section("pipeline", text)
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
