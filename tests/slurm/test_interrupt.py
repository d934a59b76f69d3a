"""Ctrl-C, and starting again."""

import time


def test_an_interrupt_cancels_what_was_submitted_and_a_second_start_resumes(cluster, prepare_run):
    run = prepare_run(cluster, "interrupted").start("--verbose")
    starts = run.folder / "starts"
    run.wait_until(lambda: starts.exists() and len(starts.read_text().splitlines()) > 1)
    _wait_between_two_checks(run)
    run.interrupt()
    assert run.finish() == 1
    waiting = run.jobs_of("waits")
    assert len(waiting) == 3
    assert _settled(run) == {"CANCELLED"}

    (run.folder / "go").touch()
    assert run.start().finish() == 0
    assert starts.read_text().split().count("quick") == 1
    assert all((run.folder / f"{number}.txt").exists() for number in range(3))


def _wait_between_two_checks(run):
    """While the plugin asks SLURM for states it has no list of jobs that it could cancel."""
    checks = run.output.count("Status query returned")
    run.wait_until(lambda: run.output.count("Status query returned") > checks)
    time.sleep(0.3)


def _settled(run):
    """States of the waiting jobs once none of them is ending any more."""
    deadline = time.monotonic() + 30
    while True:
        states = {job["JobState"] for job in run.jobs_of("waits")}
        if not states & {"RUNNING", "COMPLETING"} or time.monotonic() > deadline:
            return states
        time.sleep(0.5)
