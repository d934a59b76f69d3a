"""Temporary files go into a folder of the job's own, which goes with the job."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from cberl.left_over import RECORD, clear_after_killed, scratch_folder


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_what_is_left_in_the_scratch_folder_goes_with_it(temporary):
    with scratch_folder() as folder:
        assert folder.parent == temporary
        Path(tempfile.mkstemp(suffix=".py")[1]).write_text("left")
        script = "import tempfile; print(tempfile.mkdtemp())"
        child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert Path(child.stdout).parent == folder
    assert list(temporary.iterdir()) == []
    assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (str(temporary), str(temporary))


def test_a_killed_jobs_folder_is_removed_by_the_next_and_a_living_ones_is_not(temporary):
    script = (
        "import os, signal, time; from cberl.left_over import scratch_folder\n"
        "with scratch_folder() as folder: print(folder, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script]
    jobs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    killed, living = (Path(job.stdout.readline().strip()) for job in jobs)
    try:
        jobs[0].send_signal(signal.SIGKILL)
        jobs[0].wait()
        assert killed.exists()
        with scratch_folder():
            assert not killed.exists()
            assert living.exists()
    finally:
        jobs[1].kill()
        jobs[1].wait()


def test_what_a_killed_snakemake_left_is_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scripts = tmp_path / ".snakemake/scripts"
    scripts.mkdir(parents=True)
    for name, age in (("tmpold.fit_vae.py", 100), ("tmpnew.fit_vae.py", -100)):
        (scripts / name).write_text("")
        os.utime(scripts / name, 2 * (time.time() - age,))
    dead, others, own = (tmp_path / name for name in ("snakemakedead", "other", "snakemakeown"))
    for folder in (dead, others, own):
        folder.mkdir()
    RECORD.write_text(json.dumps([str(dead), str(others)]))
    clear_after_killed([own], time.time())
    assert [path.name for path in scripts.iterdir()] == ["tmpnew.fit_vae.py"]
    assert not dead.exists()
    assert others.exists()
    assert own.exists()
    assert json.loads(RECORD.read_text()) == [str(own)]
