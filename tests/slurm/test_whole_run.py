"""The six-dialogue corpus through the cluster gives what a run on one machine gives."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import make_workspace
from slurm.run import Run

from cberl.artifacts import read_header, read_tensor_header, read_tensors
from cberl.configuration import PROJECT

NETWORK_RULES = ("extract_text", "extract_video", "fit_gan", "fit_vae", "train_gnn")
# Where the settings of the two runs differ, and what depends on it: the setting itself,
# and digests over files that hold it.
MAY_DIFFER = ("settings_digest", "inputs")


@pytest.fixture(scope="module")
def cluster_run(cluster, tmp_path_factory):
    """A finished run on the cluster; on one, the device auto asks for GPUs."""
    workspace = make_workspace(tmp_path_factory.mktemp("whole"))
    workspace.configure(device="auto")
    run = Run(cluster, workspace.folder, PROJECT / "workflow/Snakefile").start()
    assert run.finish() == 0, run.output[-5000:]
    return run


def test_network_jobs_ask_for_a_gpu_and_others_do_not(cluster_run):
    asked = {rule for rule in NETWORK_RULES for job in cluster_run.jobs_of(rule)}
    assert asked == set(NETWORK_RULES)
    for job in cluster_run.jobs():
        rule = job["Comment"].removeprefix("rule_")
        asks = rule.startswith(NETWORK_RULES)
        assert (job["Partition"], job.get("TresPerJob")) == (
            ("gpu", "gres:gpu:1") if asks else ("cpu", None)
        ), rule


def test_jobs_are_spread_over_the_nodes(cluster_run):
    assert {job["NodeList"] for job in cluster_run.jobs()} == {"node1", "node2"}


def test_the_same_files_appear(cluster_run, finished_run):
    assert artifacts(cluster_run.folder) == artifacts(finished_run.folder)


def test_tables_are_equal(cluster_run, finished_run):
    for name in artifacts(finished_run.folder):
        if name.endswith(".parquet"):
            ours, theirs = (
                pq.ParquetFile(run.folder / name) for run in (cluster_run, finished_run)
            )
            ours, theirs = ours.read(), theirs.read()
            assert ours.schema.equals(theirs.schema), name
            for column in theirs.column_names:
                assert_same_column(ours[column], theirs[column], f"{name}: {column}")


def test_tensors_are_equal(cluster_run, finished_run):
    for name in artifacts(finished_run.folder):
        if name.endswith(".safetensors"):
            paths = [run.folder / name for run in (cluster_run, finished_run)]
            ours, theirs = (read_tensors(path, read_tensor_header(path)["kind"]) for path in paths)
            assert ours[0].keys() == theirs[0].keys(), name
            for key, tensor in theirs[0].items():
                np.testing.assert_allclose(
                    ours[0][key], tensor, 1e-4, 1e-5, err_msg=f"{name} {key}"
                )


def test_provenance_differs_in_the_device_alone(cluster_run, finished_run):
    for name in artifacts(finished_run.folder):
        ours, theirs = (provenance(run.folder / name) for run in (cluster_run, finished_run))
        assert ours == theirs, name


def artifacts(folder):
    """Tables and tensors of a run, by path from its folder."""
    found = (folder / "results").rglob("*.*")
    return {
        str(path.relative_to(folder))
        for path in found
        if path.suffix in {".parquet", ".safetensors"}
    }


def provenance(path):
    """The provenance in a file, without the device and what depends on it."""
    header = read_header(path) if path.suffix == ".parquet" else read_tensor_header(path)
    origin = header["provenance"]
    inputs = sorted(origin["inputs"])
    kept = {key: value for key, value in origin.items() if key not in MAY_DIFFER}
    if isinstance(kept["settings"], dict):
        kept["settings"] = {k: v for k, v in kept["settings"].items() if k != "device"}
    return kept | {"input_names": inputs}


def assert_same_column(ours, theirs, where):
    """Numbers, also those of vectors, are close; whatever else there is, is equal."""
    leaf = theirs.type.value_type if pa.types.is_fixed_size_list(theirs.type) else theirs.type
    if not pa.types.is_floating(leaf):
        assert ours.equals(theirs), where
        return
    assert ours.is_null().equals(theirs.is_null()), where
    if leaf != theirs.type:
        ours, theirs = ours.combine_chunks().flatten(), theirs.combine_chunks().flatten()
    ours, theirs = (column.to_numpy(zero_copy_only=False) for column in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, 1e-4, 1e-5, err_msg=where)
