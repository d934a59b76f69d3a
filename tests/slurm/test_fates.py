"""What becomes of a job on the cluster: where it lands, and what follows when it is stopped."""

import re

import pytest


@pytest.fixture(scope="module")
def fates(cluster, prepare_run):
    """A run that has ended; one of its jobs fails for good."""
    run = prepare_run(cluster, "fates").start("--keep-going")
    assert run.finish() == 1
    return run


def test_a_gpu_request_reaches_the_scheduler_and_the_job(fates):
    (job,) = fates.jobs_of("needs_gpu")
    assert job["Partition"] == "gpu"
    assert job["TresPerJob"] == "gres:gpu:1"
    assert (fates.folder / "gpu.txt").read_text().strip() in {"0", "1"}


def test_jobs_without_a_gpu_land_on_no_gpu_partition(fates):
    others = [job for job in fates.jobs() if "needs_gpu" not in job["Comment"]]
    assert {job["Partition"] for job in others} == {"cpu"}
    assert not any("TresPerJob" in job for job in others)
    assert (fates.folder / "cpu.txt").read_text().strip() == "none"


def test_a_job_killed_for_memory_passes_with_more(fates):
    first, second = fates.jobs_of("needs_memory")
    assert first["MinMemoryNode"] == "900M"
    assert first["JobState"] in {"OUT_OF_MEMORY", "FAILED"}
    assert "exceeded memory limit" in fates.output
    assert (second["JobState"], second["MinMemoryNode"]) == ("COMPLETED", "1800M")
    assert (fates.folder / "memory.txt").exists()


def test_a_job_over_its_time_passes_with_more(fates):
    first, second = fates.jobs_of("needs_time")
    assert (first["JobState"], first["TimeLimit"]) == ("TIMEOUT", "00:01:00")
    assert (second["JobState"], second["TimeLimit"]) == ("COMPLETED", "00:02:00")
    assert (fates.folder / "time.txt").exists()


def test_a_failing_job_is_tried_thrice_and_shows_its_logs(fates):
    assert [job["JobState"] for job in fates.jobs_of("fails")] == ["FAILED"] * 3
    assert "the third wheel came off" in fates.output
    logs = set(re.findall(r"\S+/slurm_logs/rule_fails/\d+\.log", fates.output))
    assert len(logs) == 3


def test_what_does_not_need_a_failing_job_is_done(fates):
    made = {path.name for path in fates.folder.glob("*.txt")}
    assert made == {"gpu.txt", "cpu.txt", "memory.txt", "time.txt"}
    assert not fates.jobs_of("follows_failure")
