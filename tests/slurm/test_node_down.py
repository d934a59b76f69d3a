"""A node that goes down while jobs run on it."""

from collections import Counter

import pytest
from conftest import make_workspace
from slurm.cluster import Node
from slurm.run import Run

from cberl.configuration import PROJECT

MODEL = "results/six/fuse/vae/seed0/vae.safetensors"
# Of text alone, and long enough for a checkpoint: 20 seconds and more.
LONG = {
    "modalities": ["text"],
    "fuse": {"vae": {"epochs": 20000, "patience": 20000, "batch_size": 16, "hidden_size": 16}},
}


@pytest.fixture
def two_nodes(make_cluster):
    """A cluster of its own, since it does not stay whole."""
    return make_cluster(Node("left", ("cpu",)), Node("right", ("cpu",)))


def test_a_node_that_goes_down_costs_only_its_jobs(two_nodes, prepare_run):
    run = prepare_run(two_nodes, "node_down").start()
    starts = run.folder / "starts"
    run.wait_until(lambda: starts.exists() and len(starts.read_text().splitlines()) == 4)
    first = [line.split() for line in starts.read_text().splitlines()]
    assert Counter(node for _, node in first) == {"left": 2, "right": 2}

    two_nodes.fail_node("right")
    run.wait_until(lambda: two_nodes.node_states()["right"].startswith("down"))
    (run.folder / "go").touch()

    assert run.finish() == 0
    again = [line.split() for line in starts.read_text().splitlines()][4:]
    lost = {number for number, node in first if node == "right"}
    assert {number for number, _ in again} == lost
    assert {node for _, node in again} == {"left"}
    assert len(again) == 2


def test_a_training_whose_node_goes_down_is_gone_on_with_on_another(two_nodes, tmp_path):
    undisturbed, other = (make_workspace(tmp_path / name) for name in ("undisturbed", "other"))
    for workspace in (undisturbed, other):
        workspace.configure(**LONG)
    run = Run(two_nodes, other.folder, PROJECT / "workflow/Snakefile").start(MODEL)
    kept = (other.folder / MODEL).with_name(".vae.safetensors.checkpoint")
    run.wait_until(kept.exists)
    (job,) = run.jobs_of("fit_vae")
    two_nodes.fail_node(job["NodeList"])

    assert run.finish() == 0
    log = (other.folder / "results/six/logs/fit_vae/seed0.log").read_text()
    assert "training continues after epoch" in log
    assert not kept.exists()
    undisturbed.snakemake(MODEL)
    assert (other.folder / MODEL).read_bytes() == (undisturbed.folder / MODEL).read_bytes()
