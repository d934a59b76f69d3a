"""A node that goes down while jobs run on it."""

from collections import Counter

import pytest
from slurm.cluster import Node


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
