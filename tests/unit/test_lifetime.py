"""A job's processes end with the Snakemake that started them."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from cberl.lifetime import end_with

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux 5.3")

JOB = """
import subprocess, sys, time
from cberl.lifetime import end_with_snakemake
end_with_snakemake()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
STARTER = """
import subprocess, sys, time
job = subprocess.Popen([sys.executable, {next!r}], stdout=subprocess.PIPE, text=True)
print(job.pid, job.stdout.readline(), flush=True)
time.sleep(60)
"""


def start(tmp_path, name):
    """Start a process of that name above a job that has a child; the process, and all pids."""
    (tmp_path / "job.py").write_text(JOB)
    (tmp_path / name).write_text(STARTER.format(next=str(tmp_path / "job.py")))
    command = [sys.executable, str(tmp_path / name)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, [int(pid) for pid in process.stdout.readline().split()]


def living(pids):
    return [
        pid
        for pid in pids
        if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    ]


def wait_until_gone(pids, seconds):
    deadline = time.monotonic() + seconds
    while living(pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not living(pids)


def test_a_job_and_its_children_end_with_snakemake(tmp_path):
    snakemake, pids = start(tmp_path, "snakemake")
    assert len(living(pids)) == 2
    snakemake.kill()
    assert wait_until_gone(pids, seconds=10)
    snakemake.wait()


def test_a_job_outlives_whatever_else_stands_above_it(tmp_path):
    other, pids = start(tmp_path, "other.py")
    other.kill()
    other.wait()
    try:
        assert not wait_until_gone(pids, seconds=1)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("is_script", "said"), [(True, "Snakemake ended"), (False, "went on")])
def test_a_script_whose_snakemake_has_ended_already_does_not_begin(tmp_path, is_script, said):
    (tmp_path / "job.py").write_text(
        "from cberl.lifetime import end_with_snakemake\n"
        f"end_with_snakemake({is_script})\n"
        "print('went on')\n"
    )
    # The inner shell begins when the outer one, all that stands between it and Python, is gone.
    inner = f"sleep 0.5; {sys.executable} job.py > said 2>&1; touch done"
    subprocess.run(["sh", "-c", f"({inner}) &"], cwd=tmp_path, check=True)
    deadline = time.monotonic() + 30
    while not (tmp_path / "done").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert said in (tmp_path / "said").read_text()


def test_a_script_whose_snakemake_ends_before_it_is_watched_does_not_begin(monkeypatch):
    def gone(pid):
        raise ProcessLookupError

    monkeypatch.setattr(os, "pidfd_open", gone)
    with pytest.raises(SystemExit, match="Snakemake ended"):
        end_with([1])


def test_a_snakemake_between_the_dead_one_and_the_job_ends_too(tmp_path):
    """On the failure of its job it would remove what the next run has made by then."""
    (tmp_path / "main").mkdir()
    inner = str(tmp_path / "snakemake")
    (tmp_path / "job.py").write_text(JOB)
    (tmp_path / "snakemake").write_text(STARTER.format(next=str(tmp_path / "job.py")))
    outer = textwrap.dedent(
        f"""
        import subprocess, sys, time
        between = subprocess.Popen([sys.executable, {inner!r}], stdout=subprocess.PIPE, text=True)
        print(between.pid, between.stdout.readline(), flush=True)
        time.sleep(60)
        """
    )
    (tmp_path / "main/snakemake").write_text(outer)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "main/snakemake")], stdout=subprocess.PIPE, text=True
    )
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(living(pids)) == 3
    process.kill()
    assert wait_until_gone(pids, seconds=10)
    process.wait()
