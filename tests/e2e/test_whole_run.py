"""The whole DAG on the six-dialogue corpus, as a user sees it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from cberl.artifacts import read_header, read_matrix, read_tensors
from cberl.configuration import PROJECT
from cberl.errors import InputError


def test_the_run_prints_the_verdict_once_and_where_the_report_is(workspace, finished_run):
    shutil.copytree(finished_run.folder, workspace.folder, dirs_exist_ok=True)
    shutil.rmtree(workspace.folder / "results/six/report")
    text = workspace.snakemake().stdout
    assert text.count("Report: results/six/report/index.html") == 1
    table = text[text.index("class   ") :]
    for word in ("recall", "F1", "support", "neutral", "disgust", "baseline", "cberl"):
        assert word in table


def test_a_whole_run_needs_no_network(finished_run, without_network):
    """It was made where nothing can be reached, this machine itself included."""
    if not without_network:
        pytest.skip("this machine lets no namespace be made (unshare --net)")
    program = "import socket; socket.create_connection(('127.0.0.1', 9), 5)"
    tried = subprocess.run(
        [*without_network, sys.executable, "-c", program], capture_output=True, text=True
    )
    assert "Network is unreachable" in tried.stderr
    assert (finished_run.folder / "results/six/report/index.html").is_file()


def test_a_partial_target_by_name_and_by_path(workspace):
    jobs = workspace.jobs_to_run("features")
    assert "gather_features" in jobs
    assert not {"fit_gan", "train_gnn", "render_report"} & set(jobs)
    jobs = workspace.jobs_to_run("results/six/features/text/train.parquet")
    assert set(jobs) == {"ingest_corpus", "extract_text", "gather_features"}


def test_a_broken_and_a_missing_clip_cost_only_themselves(finished_copy):
    clips = sorted((finished_copy.folder / "six/train_splits").glob("dia1_*.mp4"))
    clips[0].unlink()
    clips[1].write_bytes(clips[1].read_bytes()[:300])
    finished_copy.snakemake()
    import pandas as pd

    quality = pd.read_parquet(finished_copy.folder / "results/six/corpus/quality.parquet")
    lost = quality[~quality["available"]].set_index(["utterance_id", "modality"])["reason"]
    for clip, reasons in ((clips[0], {"missing"}), (clips[1], {"unreadable"})):
        name = "train/" + "/".join(re.findall(r"\d+", clip.stem))
        assert {lost[name, "audio"], lost[name, "video"]} <= reasons
        assert (name, "text") not in lost


def contents(folder):
    """Numbers of every model, feature and prediction file, by path."""
    found = {}
    for path in sorted((folder / "results").rglob("*.safetensors")):
        tensors, _ = read_tensors(path, _kind(path))
        found[str(path.relative_to(folder))] = {k: v.tobytes() for k, v in tensors.items()}
    for path in sorted((folder / "results").rglob("predictions.parquet")):
        matrix = read_matrix(path, "probabilities")
        found[str(path.relative_to(folder))] = matrix.tobytes()
    return found


def _kind(path):
    from cberl.artifacts import read_tensor_header

    return read_tensor_header(path)["kind"]


def test_a_killed_run_leaves_only_whole_files_and_ends_as_if_never_killed(workspace, finished_run):
    folder = workspace.folder
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet"]
    command += ["--snakefile", str(PROJECT / "workflow/Snakefile"), "--directory", str(folder)]
    waited_for = (
        "features/text/shards",
        "features/video/shards",
        "oversample/gan/seed0/gan.safetensors",
        "fuse/gan-vae/seed0/train.parquet",
    )
    for name in waited_for:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + 180
        while not (folder / "results/six" / name).exists() and time.monotonic() < deadline:
            if process.poll() is not None:
                break
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert (folder / "results/six" / name).exists()
        for path in (folder / "results").rglob("[!.]*.parquet"):
            try:
                read_header(path)
            except InputError as error:
                pytest.fail(f"half-written: {error}")
        workspace.snakemake("--unlock")
    workspace.snakemake()
    assert contents(folder) == contents(finished_run.folder)
    assert not list((folder / "results").rglob(".*.part"))
