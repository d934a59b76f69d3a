"""From inside the sandbox: no network, no change to any file, no process, no more memory."""

import ctypes.util
import logging
import subprocess
import sys

import escaping
import pytest

from cberl.corpus.cage import confinement, sandbox
from cberl.corpus.cage.sandbox import Sandbox

ALLOWED = ("read a file", "start a thread", "read the environment")


def seccomp_works():
    program = "from cberl.corpus.cage.confinement import confine; print(confine())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return done.stdout.strip() == confinement.SECCOMP


@pytest.fixture(scope="module")
def box():
    if not seccomp_works():
        pytest.skip("this machine offers no seccomp filters")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOME_TOKEN", "secret")
        with Sandbox(escaping.attempt, time_limit_s=10, memory_limit_mb=200) as box:
            yield box


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "kept.txt").write_text("kept")
    return tmp_path


@pytest.mark.parametrize("deed", [name for name in escaping.DEEDS if name not in ALLOWED])
def test_what_no_reader_needs_fails(box, folder, deed):
    before = (folder / "kept.txt").stat()
    facts, _ = box.call({"deed": deed, "folder": str(folder)})
    assert "done" not in facts
    assert facts["failed"] == "PermissionError" or "not allowed" in facts["words"]
    assert [file.name for file in folder.iterdir()] == ["kept.txt"]
    assert (folder / "kept.txt").stat() == before


def test_what_readers_need_works(box, folder):
    done = {name: box.call({"deed": name, "folder": str(folder)})[0]["done"] for name in ALLOWED}
    assert done["read a file"] == "kept"
    assert done["start a thread"] == "[1]"


def test_nothing_of_the_callers_environment_is_there(box, folder):
    facts, _ = box.call({"deed": "read the environment", "folder": str(folder)})
    assert "PYTHONPATH" in facts["done"]
    assert "SOME_TOKEN" not in facts["done"]
    assert "HOME" not in facts["done"]


def test_the_log_says_once_what_holds(caplog):
    caplog.set_level(logging.INFO)
    sandbox._log_confinement.cache_clear()
    for _ in range(2):
        with Sandbox(escaping.attempt, time_limit_s=10, memory_limit_mb=200) as box:
            box.call({"deed": "start a thread", "folder": "."})
    said = [text for text in caplog.messages if "files are read in a process with" in text]
    assert len(said) == 1
    assert (confinement.SECCOMP if seccomp_works() else confinement.LIMITS) in said[0]


def test_without_a_filter_limits_keep_files_empty(tmp_path):
    program = (
        "import platform, sys\n"
        "from cberl.corpus.cage.confinement import confine\n"
        "platform.machine = lambda: 'unknown'\n"
        "print(confine())\n"
        "with open(sys.argv[1], 'w') as handle:\n"
        "    handle.write('x')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "new.txt")], capture_output=True, text=True
    )
    assert done.stdout.strip() == confinement.LIMITS
    assert "File too large" in done.stderr
    assert (tmp_path / "new.txt").read_text() == ""


def test_the_numbers_of_system_calls_are_the_kernels():
    name = ctypes.util.find_library("seccomp")
    if name is None:
        pytest.skip("libseccomp, which knows the numbers, is not installed")
    number_of = ctypes.CDLL(name).seccomp_syscall_resolve_name_arch
    calls = confinement.REFUSED | confinement.NOT_OFFERED | confinement.KILLS
    calls |= {"open": confinement.OPEN, "openat": confinement.OPENAT}
    calls |= {"clone": confinement.CLONE, "ioctl": confinement.IOCTL}
    calls["prlimit64"] = confinement.PRLIMIT
    for column, machine in confinement._MACHINES.values():
        for call, numbers in calls.items():
            number = number_of(ctypes.c_uint32(machine), call.encode())
            assert numbers[column] == (number if number >= 0 else None), call
