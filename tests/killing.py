"""Killing runs of the workflow at chosen or random moments, and what must hold afterwards."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parent.parent
VICTIMS = ("job", "snakemake", "both")
LONGEST_LIFE_S = 15
"""Seconds within which a job must have ended after its Snakemake was killed."""


def digests_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below ``results`` but logs and benchmarks, hidden ones included."""
    digests = {}
    for path in sorted(folder.glob("results/**/*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[2] not in ("logs", "benchmarks"):
            digests[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return digests


def start_run(folder: Path, *arguments: str) -> subprocess.Popen:
    """Start the workflow in a working directory, in a session of its own."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "snakemake", "--cores", "2", "--directory", str(folder)),
            *("--snakefile", str(PROJECT / "workflow/Snakefile"), *arguments),
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )


def jobs_in(folder: Path) -> list[psutil.Process]:
    """The living processes that run the workflow's scripts in a working directory."""
    scripts = f"{folder}/.snakemake/scripts/"
    found = []
    for process in psutil.process_iter():
        try:
            if any(part.startswith(scripts) for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(met)


def kill(run: subprocess.Popen, folder: Path, victim: str, chance: random.Random) -> None:
    """Kill one job, Snakemake or both without notice, and wait until none of them lives."""
    jobs = jobs_in(folder)
    if victim != "job":
        run.kill()
    if jobs and victim != "snakemake":
        for job in [chance.choice(jobs)] if victim == "job" else jobs:
            try:
                job.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
    run.wait()
    if not wait_for(lambda: not jobs_in(folder), LONGEST_LIFE_S):
        raise AssertionError(f"outlived their Snakemake: {jobs_in(folder)}")


def recover(folder: Path, *arguments: str) -> int:
    """What the README says to do: unlock, then the same command. The command's exit status."""
    start_run(folder, "--unlock").wait()
    return start_run(folder, *arguments).wait()
