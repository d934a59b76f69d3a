"""What ``cberl inspect`` shows of an artifact, and of two."""

import numpy as np
import pandas as pd
import pytest
from made_results import CLASSES, make_results

from cberl.artifacts import write_table, write_tensors
from cberl.commands.differences import list_differences
from cberl.commands.file_overview import describe_file
from cberl.errors import InputError
from cberl.fuse.tables import LATENTS

ORIGIN = {
    "rule": "encode_vae",
    "wildcards": {"corpus": "made", "seed": "3"},
    "seed": 3,
    "settings": {"epochs": 40},
    "inputs": {"results/made/a.parquet": "f" * 64},
}


def write_latents(path, values, ids=("train/0/0", "train/0/1"), origin=ORIGIN):
    frame = pd.DataFrame(
        {"utterance_id": ids, "removed": "none", "available": True, "is_synthetic": False}
    )
    write_table(path, LATENTS, frame, origin, {"latent": np.array(values, dtype=float)})
    return path


@pytest.fixture
def latents(tmp_path):
    return write_latents(tmp_path / "latents.parquet", [[1, 2, 3], [4, 5, 6]])


@pytest.fixture
def tensors(tmp_path):
    path = tmp_path / "model.safetensors"
    arrays = {"layer.weight": np.array([[1, np.nan], [3, 4]], dtype=np.float32)}
    write_tensors(path, "network", arrays, ORIGIN, {"classes": CLASSES})
    return path


def test_a_table_tells_rows_columns_shapes_and_origin(latents):
    text = "\n".join(describe_file(latents))
    assert "latents.parquet: latents," in text
    assert "2 rows, 5 columns, key: utterance_id, removed" in text
    assert "float [2, 3]" in text
    assert "scaled features side by side" in text
    assert "rule       encode_vae  corpus=made seed=3" in text
    assert '"epochs": 40' in text
    assert "results/made/a.parquet  ffffffffffffffff" in text
    assert "[1, 2, 3]" in text


def test_classes_are_counted_and_missing_values_too(tmp_path):
    made = make_results(tmp_path, variants=("cberl",), seeds=(0,), dialogues=2)
    path = made.label_paths()["train"]
    text = "\n".join(describe_file(path))
    labels = pd.read_parquet(path)["label"]
    assert f"neutral {(labels == 'neutral').sum()}" in text
    quality = "\n".join(describe_file(made.folder / "corpus/quality.parquet"))
    missing = pd.read_parquet(made.folder / "corpus/quality.parquet")["reason"].isna().sum()
    assert f"{missing} missing  why it is not available" in quality


def test_tensors_tell_shapes_ranges_and_what_is_not_finite(tensors):
    text = "\n".join(describe_file(tensors))
    assert "1 tensors, 4 values" in text
    assert "layer.weight  float32 2x2" in text
    assert "1 to 4" in text
    assert "1 not finite" in text
    assert 'classes: ["neutral", "joy", "fear"]' in text


def test_other_files_are_refused_by_name(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html>")
    with pytest.raises(InputError, match=r"page.html: expected a .parquet or .safetensors"):
        list(describe_file(page))
    with pytest.raises(InputError, match="no such file"):
        list(describe_file(tmp_path / "nothing.parquet"))
    foreign = tmp_path / "foreign.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(foreign)
    with pytest.raises(InputError, match="not written by cberl"):
        list(describe_file(foreign))


def test_no_difference_between_equal_tables(latents, tmp_path):
    again = write_latents(tmp_path / "again.parquet", [[1, 2, 3], [4, 5, 6]])
    assert list(list_differences(latents, again)) == []


def test_differences_of_tables_name_rows_values_and_settings(latents, tmp_path):
    origin = ORIGIN | {"settings": {"epochs": 50}, "seed": 4}
    other = write_latents(
        tmp_path / "other.parquet",
        [[4, 5, 6.5], [7, 8, 9]],
        ids=("train/0/1", "train/0/2"),
        origin=origin,
    )
    lines = list(list_differences(latents, other))
    assert "provenance.settings.epochs: 40 | 50" in lines
    assert "provenance.seed: 3 | 4" in lines
    assert "rows: 1 only in A, train/0/0/none" in lines
    assert "rows: 1 only in B, train/0/2/none" in lines
    assert "column latent: 1 of 1 shared rows differ, by 0.5 at most, train/0/1/none" in lines


def test_differences_of_tensors(tensors, tmp_path):
    other = tmp_path / "other.safetensors"
    arrays = {"layer.weight": np.array([[1, np.nan], [3, 6]], dtype=np.float32), "bias": np.ones(2)}
    write_tensors(other, "network", arrays, ORIGIN, {"classes": CLASSES})
    lines = list(list_differences(tensors, other))
    assert "tensor bias: only in B" in lines
    assert "tensor layer.weight: 1 of 4 values differ, by 2 at most" in lines


def test_a_table_and_tensors_differ_in_kind(latents, tensors):
    assert "kind: latents | network" in list(list_differences(latents, tensors))
