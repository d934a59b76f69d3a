"""Tables and tensors are written whole or not at all, and refuse what does not fit."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cberl.artifacts import (
    open_table,
    read_batches,
    read_header,
    read_matrix,
    read_table,
    read_tensors,
    row_positions,
    unpacked_bytes,
    write_table,
    write_tensors,
    write_text,
)
from cberl.digests import NO_DIGEST, put_digest
from cberl.errors import InputError
from cberl.features.tables import FEATURES
from cberl.tables import HISTORY

PROVENANCE = {"rule": "extract_text", "seed": 3}


def feature_rows(*ids, available=True):
    return pd.DataFrame({"utterance_id": ids, "available": available, "is_synthetic": False})


def test_a_table_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "deep" / "text.parquet"
    matrix = np.array([[1, 2, 3], [np.nan] * 3], dtype=np.float32)
    frame = feature_rows("train/0/0", "train/0/1", available=[True, False])
    write_table(path, FEATURES, frame, PROVENANCE, {"features": matrix}, {"width": 3})
    pd.testing.assert_frame_equal(read_table(path, FEATURES), frame, check_dtype=False)
    np.testing.assert_array_equal(read_matrix(path, "features"), matrix)
    header = read_header(path)
    assert header["provenance"] == PROVENANCE
    assert header["metadata"] == {"width": 3}
    assert header["key"] == ["utterance_id"]


def test_a_table_is_readable_without_this_package(tmp_path):
    path = tmp_path / "text.parquet"
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_table(path, FEATURES, feature_rows("a", "b"), PROVENANCE, {"features": matrix})
    assert pd.read_parquet(path)["features"][1].tolist() == [3, 4, 5]
    assert duckdb.sql(f"select features[1] from '{path}' order by 1").fetchall() == [(0,), (3,)]
    schema = pq.read_schema(path)
    assert json.loads(schema.metadata[b"cberl"])["kind"] == "features"
    assert b"null where not" in schema.field("available").metadata[b"description"]


def test_pieces_and_batches_keep_the_order(tmp_path):
    path = tmp_path / "text.parquet"
    with open_table(path, FEATURES, PROVENANCE) as writer:
        for start in range(0, 10, 4):
            ids = [f"u{number}" for number in range(start, min(start + 4, 10))]
            writer.write(feature_rows(*ids), {"features": np.full((len(ids), 2), start)})
    batches = list(read_batches(path, FEATURES, 3, ["utterance_id"]))
    assert [name for batch in batches for name in batch["utterance_id"]] == [
        f"u{number}" for number in range(10)
    ]
    assert max(map(len, batches)) <= 3


def test_a_matrix_of_several_pieces_keeps_its_absent_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("cberl.artifacts.tables.ROWS_AT_ONCE", 4)
    path = tmp_path / "text.parquet"
    matrix = np.arange(20, dtype=np.float32).reshape(10, 2)
    matrix[[0, 7]] = np.nan
    write_table(path, FEATURES, feature_rows(*"abcdefghij"), PROVENANCE, {"features": matrix})
    np.testing.assert_array_equal(read_matrix(path, "features"), matrix)


def test_an_empty_table_is_a_table(tmp_path):
    path = tmp_path / "text.parquet"
    write_table(path, FEATURES, feature_rows(), PROVENANCE, {"features": np.empty((0, 5))})
    assert len(read_table(path, FEATURES)) == 0
    assert read_matrix(path, "features").shape == (0, 5)


@pytest.mark.parametrize(
    ("frame", "matrix", "message"),
    [
        (feature_rows("a", "a"), np.zeros((2, 2)), "key a appears twice"),
        (feature_rows("a", None), np.zeros((2, 2)), "has no utterance_id"),
        (feature_rows("a", "b"), np.array([[0, 0], [0, np.inf]]), "row b has NaN or infinite"),
        (feature_rows("a", "b"), np.array([[0, 0], [0, np.nan]]), "row b has NaN or infinite"),
        (feature_rows("a", "b"), np.zeros((3, 2)), "shape"),
        (feature_rows("a").assign(mood="x"), np.zeros((1, 2)), "no column mood"),
        (feature_rows("a").drop(columns="available"), np.zeros((1, 2)), "available"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path, frame, matrix, message):
    path = tmp_path / "text.parquet"
    with pytest.raises(InputError, match=message) as caught:
        write_table(path, FEATURES, frame, PROVENANCE, {"features": matrix})
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_repeats_in_a_later_piece_is_refused(tmp_path):
    with pytest.raises(InputError, match="key a appears twice"):
        with open_table(tmp_path / "t.parquet", FEATURES, PROVENANCE) as writer:
            writer.write(feature_rows("a"), {"features": np.zeros((1, 2))})
            writer.write(feature_rows("a"), {"features": np.zeros((1, 2))})
    assert list(tmp_path.iterdir()) == []


def test_an_error_halfway_leaves_the_old_file(tmp_path):
    path = tmp_path / "text.parquet"
    write_table(path, FEATURES, feature_rows("old"), PROVENANCE, {"features": np.zeros((1, 2))})
    with pytest.raises(ZeroDivisionError):
        with open_table(path, FEATURES, PROVENANCE) as writer:
            writer.write(feature_rows("new"), {"features": np.zeros((1, 2))})
            raise ZeroDivisionError
    assert read_table(path, FEATURES)["utterance_id"].tolist() == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_no_file_under_the_final_name(tmp_path):
    path = tmp_path / "text.parquet"
    script = textwrap.dedent(
        f"""
        import os, signal, numpy as np, pandas as pd
        from cberl.artifacts import open_table
        from cberl.features.tables import FEATURES
        with open_table({str(path)!r}, FEATURES, {{}}) as writer:
            rows = {{"utterance_id": ["a"], "available": True, "is_synthetic": False}}
            writer.write(pd.DataFrame(rows), {{"features": np.zeros((1, 2))}})
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    assert all(name.startswith(".") for name in os.listdir(tmp_path))


def test_reading_says_what_is_wrong(tmp_path):
    path = tmp_path / "text.parquet"
    with pytest.raises(InputError, match="no such file"):
        read_table(path, FEATURES)
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="broken, or not written by cberl"):
        read_table(path, FEATURES)
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(InputError, match="broken, or not written by cberl"):
        read_table(path, FEATURES)
    write_table(path, FEATURES, feature_rows("a"), {}, {"features": np.zeros((1, 2))})
    with pytest.raises(InputError, match="table of features, expected one of history"):
        read_table(path, HISTORY)
    with pytest.raises(InputError, match="no column mood"):
        read_table(path, FEATURES, ["mood"])


def test_tensors_come_back_with_what_describes_them(tmp_path):
    path = tmp_path / "model.safetensors"
    write_tensors(path, "gan", {"w": np.eye(2, dtype=np.float32)}, PROVENANCE, {"classes": ["a"]})
    tensors, metadata = read_tensors(path, "gan")
    np.testing.assert_array_equal(tensors["w"], np.eye(2))
    assert metadata == {"classes": ["a"]}
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    with pytest.raises(InputError, match="tensors of gan, expected vae"):
        read_tensors(path, "vae")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match="broken, or not written by cberl"):
        read_tensors(path, "gan")


def test_tensors_of_every_type_come_back_and_may_be_changed(tmp_path):
    types = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
    made = {name: np.arange(6).reshape(2, 3).astype(name) for name in types}
    made["nothing"] = np.zeros((0, 4))
    write_tensors(tmp_path / "a.safetensors", "gan", made, {})
    tensors, _ = read_tensors(tmp_path / "a.safetensors", "gan")
    assert set(tensors) == set(made)
    for name, tensor in tensors.items():
        assert (tensor.dtype, tensor.shape) == (made[name].dtype, made[name].shape)
        assert np.array_equal(tensor, made[name])
    tensors["f4"] += 1
    assert np.array_equal(tensors["f8"], made["f8"])


def test_a_type_that_numpy_lacks_is_refused_by_name(tmp_path):
    import torch
    from safetensors.torch import save_file

    path = tmp_path / "a.safetensors"
    header = {"cberl_digest": NO_DIGEST, "kind": "gan", "metadata": {}}
    half = torch.ones(3, dtype=torch.bfloat16)
    save_file({"w": half}, path, {"cberl": json.dumps(header)})
    put_digest(path)
    with pytest.raises(InputError, match=r"a.safetensors: holds tensors of type 'BF16'; expected"):
        read_tensors(path, "gan")


def test_facts_may_be_numbers_of_numpy(tmp_path):
    facts = {"fitted": np.bool_(True), "rows": np.int64(3), "gain": np.float32(0.5)}
    vectors = {"features": np.eye(1)}
    write_table(tmp_path / "a.parquet", FEATURES, feature_rows("u"), PROVENANCE, vectors, facts)
    write_tensors(tmp_path / "a.safetensors", "gan", {"w": np.eye(2)}, PROVENANCE, facts)
    plain = {"fitted": True, "rows": 3, "gain": 0.5}
    assert read_header(tmp_path / "a.parquet")["metadata"] == plain
    assert read_tensors(tmp_path / "a.safetensors", "gan")[1] == plain


def test_same_content_same_bytes(tmp_path):
    for name in ("a", "b"):
        frame = feature_rows("u", "v")
        write_table(tmp_path / name, FEATURES, frame, PROVENANCE, {"features": np.eye(2)})
        write_tensors(tmp_path / f"{name}.st", "gan", {"w": np.eye(2)}, PROVENANCE)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a.st").read_bytes() == (tmp_path / "b.st").read_bytes()


def test_joins_are_by_id_and_asserted():
    assert row_positions(["a", "b", "c"], ["c", "a"], "left.parquet").tolist() == [2, 0]
    with pytest.raises(InputError, match=r"left\.parquet: has no row d"):
        row_positions(["a", "b", "c"], ["a", "d"], "left.parquet")


def test_text_is_written_whole(tmp_path):
    write_text(tmp_path / "page.html", "ü")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "ü"


def test_vectors_are_stored_without_a_dictionary_byte_by_byte(tmp_path):
    path = tmp_path / "features.parquet"
    draw = np.random.default_rng(0)
    matrix = draw.standard_normal((500, 40), dtype=np.float32)
    ids = [f"train/0/{number}" for number in range(500)]
    write_table(path, FEATURES, feature_rows(*ids), {}, {"features": matrix})
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = {column.path_in_schema: column for column in map(group.column, range(4))}
    vectors = columns["features.list.element"]
    assert "BYTE_STREAM_SPLIT" in vectors.encodings
    assert not vectors.has_dictionary_page
    assert columns["utterance_id"].has_dictionary_page
    assert vectors.total_compressed_size < 0.95 * matrix.nbytes
    assert np.array_equal(read_matrix(path, "features"), matrix)


def test_vectors_count_as_long_as_they_are_in_memory(tmp_path):
    path = tmp_path / "features.parquet"
    ids = [f"train/0/{number}" for number in range(5000)]
    matrix = np.zeros((5000, 40), dtype=np.float32)
    write_table(path, FEATURES, feature_rows(*ids), {}, {"features": matrix})
    assert path.stat().st_size < 0.2 * matrix.nbytes
    assert 0.95 * matrix.nbytes < unpacked_bytes(path) < 1.3 * matrix.nbytes
    os.truncate(path, 1000)
    assert unpacked_bytes(path) == 1000
