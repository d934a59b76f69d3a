"""A trained variant on what it has not seen: the bundle gives the pipeline's own probabilities."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from cberl.artifacts import read_header, read_matrix, read_table, row_positions
from cberl.cli import main
from cberl.configuration import PROJECT
from cberl.corpus.tables import UTTERANCES
from cberl.predict.tables import TURNS
from cberl.train.tables import PREDICTIONS

VARIANTS = ["baseline", "cberl"]
EXAMPLE = PROJECT / "resources/example"


@pytest.fixture(scope="module")
def results(finished_run):
    return finished_run.folder / "results/six"


def expected_of(results, variant, split):
    """Mean log-probability of the seeds on a split, as ids and float64 [N, K]."""
    total, ids = 0, None
    for path in sorted((results / "train" / variant).glob("seed*/predictions.parquet")):
        table = read_table(path, PREDICTIONS)
        rows = ((table["split"] == split) & (table["removed"] == "none")).to_numpy()
        own = table.loc[rows, "utterance_id"]
        probabilities = read_matrix(path, "probabilities")[rows].astype(np.float64)
        ids = own if ids is None else ids
        order = row_positions(own, ids, path)
        with np.errstate(divide="ignore"):
            total = total + np.log(probabilities[order])
    mean = np.exp(total / len(list((results / "train" / variant).glob("seed*"))))
    return list(ids), mean / mean.sum(axis=1, keepdims=True)


def write_split(results, root, split, path):
    """One split of a finished run as a table of conversations beside its clips."""
    utterances = read_table(results / "corpus/utterances.parquet", UTTERANCES)
    own = utterances[utterances["split"] == split]
    names = own["utterance_id"].str.split("/")
    table = own.assign(dialogue=names.str[1], utterance=names.str[2], media=own["media_path"])
    columns = ["dialogue", "utterance", "speaker", "text", "media"]
    table[columns].to_csv(root / path, sep="\t", index=False)
    return root / path


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_test_split_gets_the_pipelines_own_probabilities(
    results, finished_run, tmp_path, variant
):
    corpus = shutil.copytree(finished_run.folder / "six", tmp_path / "six")
    table = write_split(results, corpus, "test", "test.tsv")
    bundle = shutil.copytree(results / "bundle" / variant, tmp_path / "elsewhere")
    arguments = ["predict", table, "--bundle", bundle, "--out", tmp_path / "out"]
    assert main(list(map(str, arguments))) == 0
    turns = read_table(tmp_path / "out/turns.parquet", TURNS)
    found = read_matrix(tmp_path / "out/turns.parquet", "probabilities")
    ids, expected = expected_of(results, variant, "test")
    names = "test/" + turns["conversation"] + "/" + utterance_names(table)
    order = row_positions(names, ids, "turns")
    assert len(order) == len(turns) == len(ids)
    assert np.abs(found[order] - expected).max() < 1e-5
    classes = read_header(results / f"train/{variant}/seed0/predictions.parquet")["metadata"]
    assert read_header(tmp_path / "out/turns.parquet")["metadata"]["classes"] == classes["classes"]


def utterance_names(table):
    lines = table.read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t")[1] for line in lines]


def test_a_recording_with_subtitles_by_the_command_line(results, tmp_path):
    command = [
        *(sys.executable, "-m", "cberl", "predict", str(EXAMPLE / "tickets.mp4")),
        *("--transcript", str(EXAMPLE / "tickets.srt")),
        *("--bundle", str(results / "bundle/cberl"), "--out", "talk"),
    ]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        f"talk/{name}"
        for name in (
            *("tickets.TextGrid", "tickets.eaf", "tickets.html", "tickets.vtt"),
            *("turns.jsonl", "turns.parquet"),
        )
    ]
    rows = [json.loads(line) for line in (tmp_path / "talk/turns.jsonl").read_text().splitlines()]
    assert len(rows) == 10
    assert [row["speaker"] for row in rows[:2]] == ["Nora", "Ben"]
    assert all(row["available"] == ["text", "audio", "video"] for row in rows)
