"""Clusters, and runs of throw-away workflows on them."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from slurm.cluster import CLIENTS, DAEMONS, Cluster, Node, find_program
from slurm.run import Run

SNAKEFILES = Path(__file__).parent / "snakefiles"


@pytest.fixture(scope="session")
def make_cluster() -> Iterator[Callable[..., Cluster]]:
    """Start a cluster of the nodes given; all are stopped at the end."""
    for program in (*DAEMONS, *CLIENTS):
        if find_program(program) is None:
            pytest.skip(f"{program} is not installed (apt-get install munge slurm-wlm)")
    if os.geteuid() != 0:
        pytest.skip("only root can start slurmd")
    clusters, folders = [], []

    def make(*nodes: Node) -> Cluster:
        # A short path: a socket's may have 107 characters.
        folders.append(TemporaryDirectory(prefix="slurm-"))
        clusters.append(Cluster(Path(folders[-1].name), nodes))
        clusters[-1].start()
        return clusters[-1]

    # Asked to end, the tests stop what they started, as they do after Ctrl-C.
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield make
    signal.signal(signal.SIGTERM, former)
    for cluster in clusters:
        cluster.stop()
    for folder in folders:
        folder.cleanup()


@pytest.fixture(scope="session")
def cluster(make_cluster: Callable[..., Cluster]) -> Cluster:
    """Two nodes, one of them also in the partition of the GPUs."""
    return make_cluster(Node("node1", ("cpu",)), Node("node2", ("cpu", "gpu"), gpus=2))


@pytest.fixture(scope="session")
def prepare_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Cluster, str], Run]:
    """Prepare a run of one of the Snakefiles beside the tests, by name."""

    def prepare(cluster: Cluster, name: str) -> Run:
        return Run(cluster, tmp_path_factory.mktemp(name), SNAKEFILES / f"{name}.smk")

    return prepare


@pytest.fixture(scope="session")
def fates(cluster: Cluster, prepare_run: Callable[[Cluster, str], Run]) -> Run:
    """Jobs of many fates, under way; SLURM takes more than a minute to end one over its time."""
    # Accounts need a database; what the plugin asks of it is answered here.
    manager = cluster.folder / "bin/sacctmgr"
    manager.write_text("#!/bin/sh\necho research\n")
    manager.chmod(0o755)
    asked = ["needs_none:slurm_account=research", "asks_by_gres:gpu=0"]
    asked.append("asks_by_gres:gres=gpu:toy:1")
    return prepare_run(cluster, "fates").start("--keep-going", "--set-resources", *asked)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slow run of `fates` before other tests here, and look at it after all of them."""
    looked_at = any("ended" in item.fixturenames for item in items)
    for item in items:
        if looked_at and "cluster" in item.fixturenames:
            item.fixturenames.append("fates")
    items.sort(key=lambda item: "ended" in item.fixturenames)
