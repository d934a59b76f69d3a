"""Short jobs are submitted together."""

import re


def test_two_hundred_short_jobs_are_at_most_twenty_submissions(cluster, prepare_run):
    run = prepare_run(cluster, "short").start()
    run.wait_until(lambda: run.output.count("has been submitted") == 20)
    # The first submission is enough to see that its jobs are done, one after another.
    run.wait_until(lambda: any(job["JobState"] == "COMPLETED" for job in run.jobs()))
    run.interrupt()
    run.finish()
    assert len(re.findall(r"^ +rule build_graph:", run.output, re.MULTILINE)) == 200
    assert len(run.jobs()) == 20
    assert {(job["NumCPUs"], job["MinMemoryNode"]) for job in run.jobs()} == {("1", "800M")}
    assert {job["TimeLimit"] for job in run.jobs()} == {"00:50:00"}
    assert len(list(run.folder.glob("*.txt"))) >= 10
