"""Snakemake, started on a cluster with the project's own profile."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from slurm.cluster import Cluster

from cberl.configuration import PROJECT

PROFILE = PROJECT / "workflow/profiles/slurm"
IMPATIENT = Path(__file__).parent / "impatient.py"
# The made-up cluster has no accounting database.
FOR_TESTS = ("--slurm-status-command", "squeue")


@dataclass
class Run:
    """Snakemake at work on a cluster, started in a folder of its own."""

    cluster: Cluster
    folder: Path
    snakefile: Path
    _process: subprocess.Popen | None = field(default=None, init=False)

    @property
    def output(self) -> str:
        """What Snakemake has printed so far."""
        return (self.folder / "snakemake.out").read_text(errors="replace")

    def start(self, *arguments: str) -> "Run":
        command = [sys.executable, str(IMPATIENT), "--snakefile", str(self.snakefile)]
        command += ["--directory", str(self.folder), "--workflow-profile", str(PROFILE)]
        with (self.folder / "snakemake.out").open("wb") as output:
            self._process = subprocess.Popen(
                [*command, *FOR_TESTS, *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self.cluster.environment, "HF_HUB_OFFLINE": "1"},
                # A process group of its own: an interrupt is meant for it alone.
                start_new_session=True,
            )
        return self

    def finish(self, timeout: float = 600) -> int:
        """Wait until Snakemake ends; returns its exit status."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            queue = self.cluster.client("squeue", "--long", check=False)
            pytest.fail(f"no end after {timeout} s\n{queue}\n{self.output[-5000:]}")

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def wait_until(self, condition: Callable[[], bool], timeout: float = 180) -> None:
        """Wait for a condition while Snakemake works; fails if Snakemake ends before it."""
        deadline = time.monotonic() + timeout
        while not condition():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"Snakemake: {self._process.poll()}\n{self.output[-5000:]}")
            time.sleep(0.2)

    def jobs(self) -> list[dict[str, str]]:
        """What SLURM knows of each submission of this run, in order."""
        ours = f"{self.folder}/"
        return [job for job in self.cluster.jobs() if job["StdOut"].startswith(ours)]

    def jobs_of(self, rule: str) -> list[dict[str, str]]:
        """What SLURM knows of each submission of a rule, in order."""
        return [
            job for job in self.jobs() if job["Comment"].split("_wildcards_")[0] == f"rule_{rule}"
        ]
