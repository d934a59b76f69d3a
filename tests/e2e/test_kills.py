"""Whatever is killed, the documented recovery ends in the files of an undisturbed run."""

import random

import pytest
from killing import digests_of, jobs_in, kill, recover, start_run, wait_for


def running(folder, rule):
    return [job for job in jobs_in(folder) if any(f".{rule}.py" in part for part in job.cmdline())]


@pytest.mark.parametrize(
    ("victim", "rule"),
    [("snakemake", "train_gnn"), ("job", "fit_vae"), ("both", "sample_gan")],
)
def test_a_killed_run_ends_in_the_same_files(finished_copy, victim, rule):
    folder = finished_copy.folder
    before = digests_of(folder)
    command = ("--rerun-triggers", "mtime", "--forcerun", rule)
    run = start_run(folder, *command)
    assert wait_for(lambda: running(folder, rule), seconds=120)
    # Into the middle of the job, past the imports.
    assert not wait_for(lambda: run.poll() is not None, seconds=1)
    kill(run, folder, victim, random.Random(0))
    assert recover(folder, *command) == 0
    assert digests_of(folder) == before
