"""How a job begins and ends."""

import re
import subprocess
import sys
import textwrap

SCRIPT = """
import atexit
from types import SimpleNamespace

from cberl.errors import InputError
from cberl.job import start_job

atexit.register(print, "left in order")
snakemake = SimpleNamespace(
    log=[], wildcards={}, params={}, threads=1, rule="one", input={}
)
"""


def run(body: str, piped: str = "") -> subprocess.CompletedProcess:
    code = textwrap.dedent(SCRIPT) + textwrap.dedent(body)
    return subprocess.run(
        [sys.executable, "-c", code], input=piped, capture_output=True, text=True, check=False
    )


def test_a_job_reads_nothing_that_is_piped_into_snakemake():
    done = run(
        """
        import sys

        with start_job(snakemake) as job:
            print("read:", repr(sys.stdin.read()))
        """,
        piped="yes\n" * 100,
    )
    assert (done.returncode, done.stdout) == (0, "read: ''\nleft in order\n")


def test_a_job_runs_what_was_left_for_its_end_and_takes_no_module_apart():
    done = run(
        """
        class Module:
            def __del__(self):
                print("taken apart")

        kept = Module()
        with start_job(snakemake) as job:
            print("ran")
        """
    )
    assert (done.returncode, done.stdout) == (0, "ran\nleft in order\n")


def test_a_job_that_fails_says_so():
    done = run(
        """
        with start_job(snakemake) as job:
            raise InputError("no such row")
        """
    )
    assert (done.returncode, done.stdout) == (1, "left in order\n")
    assert "no such row" in done.stderr


def test_the_peak_is_the_jobs_own():
    """Not what the process held that started it, nor what a child of it counts from then on."""
    ballast = bytearray(200 << 20)
    done = run(
        """
        import subprocess
        with start_job(snakemake) as job:
            subprocess.run(["true"], check=True)
        """
    )
    assert ballast
    peak = int(re.search(r"peak memory (\d+) MB", done.stderr)[1])
    assert 20 < peak < 150


def test_a_job_collects_garbage_but_not_while_it_imports():
    script = """
        import gc
        from types import SimpleNamespace
        snakemake = SimpleNamespace(
            log=[], wildcards={}, params={}, threads=1, rule="one", input={}
        )
        from cberl.job import start_job
        print(gc.isenabled())
        with start_job(snakemake) as job:
            print(gc.isenabled(), gc.get_freeze_count() > 1000)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True", "True"]


def test_a_process_that_is_no_job_collects_garbage_all_the_time():
    script = "import gc, cberl.job; print(gc.isenabled())"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True"]
