"""What becomes of a job on the cluster: where it lands, and what follows when it is stopped."""

import re

import pytest


@pytest.fixture(scope="module")
def ended(fates):
    """The run once it has ended; one of its jobs fails for good."""
    assert fates.finish() == 1
    return fates


def test_a_gpu_request_reaches_the_scheduler_and_the_job(ended):
    (job,) = ended.jobs_of("needs_gpu")
    assert job["Partition"] == "gpu"
    assert job["TresPerJob"] == "gres:gpu:1"
    assert (ended.folder / "gpu.txt").read_text().strip() in {"0", "1"}


def test_a_gpu_can_be_asked_for_in_the_words_of_the_cluster(ended):
    (job,) = ended.jobs_of("asks_by_gres")
    assert job["Partition"] == "gpu"
    assert job["TresPerNode"] == "gres:gpu:toy:1"
    assert (ended.folder / "gres.txt").read_text().strip() in {"0", "1"}


def test_jobs_without_a_gpu_land_on_no_gpu_partition(ended):
    others = [job for job in ended.jobs() if job["Partition"] != "gpu"]
    assert len(others) == len(ended.jobs()) - 2
    assert {job["Partition"] for job in others} == {"cpu"}
    assert not any("Tres" in key for job in others for key in job)
    assert (ended.folder / "cpu.txt").read_text().strip() == "none"


def test_the_account_reaches_the_scheduler(ended):
    assert {job["Account"] for job in ended.jobs_of("needs_none")} == {"research"}
    assert {job["Account"] for job in ended.jobs_of("needs_gpu")} == {"(null)"}


def test_a_job_killed_for_memory_passes_with_more(ended):
    first, second = ended.jobs_of("needs_memory")
    assert first["MinMemoryNode"] == "900M"
    assert first["JobState"] in {"OUT_OF_MEMORY", "FAILED"}
    assert "exceeded memory limit" in ended.output
    assert (second["JobState"], second["MinMemoryNode"]) == ("COMPLETED", "1800M")
    assert (ended.folder / "memory.txt").exists()


def test_a_job_over_its_time_passes_with_more(ended):
    first, second = ended.jobs_of("needs_time")
    assert (first["JobState"], first["TimeLimit"]) == ("TIMEOUT", "00:01:00")
    assert (second["JobState"], second["TimeLimit"]) == ("COMPLETED", "00:02:00")
    assert (ended.folder / "time.txt").exists()


def test_a_training_over_its_time_is_kept_and_gone_on_with(ended):
    first, second = ended.jobs_of("trains")
    assert (first["JobState"], second["JobState"]) == ("TIMEOUT", "COMPLETED")
    log = (ended.folder / "trains.log").read_text()
    kept = int(re.search(r"training continues after epoch (\d+)\n", log)[1])
    assert kept > 30
    # The second where the signal came when every finished epoch was saved already.
    words = rf"asked to end: (epoch {kept} is saved|the next run continues)"
    assert re.search(words, ended.output)
    epochs = (ended.folder / "epochs").read_text().split()
    assert epochs == [str(epoch) for epoch in range(1, 121)]
    assert not list(ended.folder.glob(".*.checkpoint"))


def test_a_failing_job_is_tried_thrice_and_shows_its_logs(ended):
    assert [job["JobState"] for job in ended.jobs_of("fails")] == ["FAILED"] * 3
    assert "the third wheel came off" in ended.output
    logs = set(re.findall(r"\S+/slurm_logs/rule_fails/\d+\.log", ended.output))
    assert len(logs) == 3


def test_what_does_not_need_a_failing_job_is_done(ended):
    made = {path.name for path in ended.folder.glob("*.txt")}
    assert made == {"gpu.txt", "gres.txt", "cpu.txt", "memory.txt", "time.txt", "model.txt"}
    assert not ended.jobs_of("follows_failure")
