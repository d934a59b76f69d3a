"""Files appear whole, are on the disk before they appear, and follow the umask."""

import errno
import os
import re
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest

from cberl.artifacts import write_page, write_tensors
from cberl.log import open_log
from cberl.whole_files import whole_file

WRITE = (
    "import sys; from pathlib import Path; from cberl.whole_files import whole_file\n"
    "with whole_file(sys.argv[1]) as part: part.write_text('whole')"
)


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_file_and_folder_are_on_the_disk_around_the_rename(tmp_path):
    path = tmp_path / "whole.txt"
    traced = ["strace", "-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2"]
    command = [*traced, sys.executable, "-c", WRITE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("may not trace here")
    calls = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert len(calls) == 3, calls
    part = rf"{tmp_path}/\.whole\.txt\.\w+\.part"
    assert re.search(rf"fsync\(\d+<{part}>\) += 0", calls[0])
    assert re.search(rf'rename\w*\(.*"{part}".*"{path}"\) += 0', calls[1])
    assert re.search(rf"fsync\(\d+<{tmp_path}>\) += 0", calls[2])


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "whole.txt"
    with whole_file(path) as first:
        first.write_text("first")
        with whole_file(path) as second:
            assert first != second
            second.write_text("second")
        assert path.read_text() == "second"
        assert first.read_text() == "first"
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path):
    path = tmp_path / "whole.txt"
    killed = WRITE + "; import os; os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", killed, str(path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with whole_file(path) as part:
        part.write_text("whole")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_refuses_is_named_with_the_file(tmp_path, number):
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        with whole_file(tmp_path / "whole.txt"):
            raise OSError(number, "as libraries in C say it")
    assert caught.value.filename == str(tmp_path / "whole.txt")
    assert list(tmp_path.iterdir()) == []


def test_the_disks_word_gets_through_safetensors(tmp_path):
    path = tmp_path / "m.safetensors"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_tensors(path, "gan", {"w": np.zeros(10_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o007])
def test_files_are_as_open_as_the_umask_lets_them(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_page(tmp_path / "folder/page.html", "<p>")
        write_tensors(tmp_path / "m.safetensors", "gan", {"w": np.zeros(2)}, {})
        script = "import sys; from cberl.log import open_log; open_log(sys.argv[1])"
        subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.log")], check=True)
    finally:
        os.umask(before)
    for name in ("folder/page.html", "m.safetensors", "a.log"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o666 & ~mask
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~mask


def test_an_error_that_a_full_log_cannot_hold_goes_to_the_terminal(tmp_path):
    (tmp_path / "full.log").symlink_to("/dev/full")
    script = (
        "import sys; from cberl.log import log_error, open_log\n"
        "log_error('results/a.parquet: No space left on device', open_log(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "full.log")], capture_output=True, text=True
    )
    assert done.stderr.strip().endswith("error: results/a.parquet: No space left on device")
    assert open_log(None) is None


def test_escape_sequences_are_written_out_in_a_log(tmp_path):
    program = (
        "import logging, sys; from cberl.log import log_error, open_log\n"
        "terminal = open_log(sys.argv[1])\n"
        "logging.warning('column re\\x1b[31mmark'); log_error('label \\x1b[2J', terminal)"
    )
    path = tmp_path / "job.log"
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    assert "\x1b" not in path.read_text()
    assert r"column re\x1b[31mmark" in path.read_text()
    assert r"error: label \x1b[2J" in path.read_text()
