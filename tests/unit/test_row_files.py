"""Rows on disk: the same as in memory, whatever is taken and in which order."""

import numpy as np
import pytest

from cberl.artifacts import read_matrix, take_vectors, vector_width, write_table
from cberl.errors import InputError
from cberl.features.feature_rows import feature_rows
from cberl.features.tables import FEATURES
from cberl.row_files import RowFiles, VectorFile

ROWS = 23


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Rows of three numbers in groups of five; row 7 is absent."""
    monkeypatch.setattr("cberl.artifacts.tables.ROWS_AT_ONCE", 5)
    matrix = np.arange(3 * ROWS, dtype=np.float32).reshape(ROWS, 3)
    matrix[7] = np.nan
    frame = feature_rows([f"dev/0/{row}" for row in range(ROWS)], matrix)
    path = tmp_path / "text.parquet"
    write_table(path, FEATURES, frame, {}, {"features": matrix}, {})
    return path, frame, matrix


def open_file(file):
    path, frame, _ = file
    return RowFiles(
        {"text": VectorFile(path, "features", np.float32([1, 0, 0]), np.float32([1, 2, 1]))},
        np.arange(ROWS),
        frame["utterance_id"].to_numpy(dtype=object),
        {"text": frame["available"].to_numpy()},
        np.arange(ROWS) % 2,
        ("fear", "joy"),
    )


@pytest.mark.parametrize("positions", [[], [22, 0, 7, 7, 11], range(ROWS)])
def test_vectors_are_taken_in_the_order_asked_for(file, positions):
    path, _, matrix = file
    taken = take_vectors(path, "features", np.array(positions, dtype=np.int64))
    np.testing.assert_array_equal(taken, matrix[list(positions)].reshape(-1, 3))
    np.testing.assert_array_equal(read_matrix(path, "features"), matrix)
    assert vector_width(path, "features") == 3


def test_tables_of_vectors_are_written_in_groups_that_are_read_alone(file):
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(file[0])
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [5] * 4 + [3]


def test_rows_are_scaled_and_absent_ones_zero(file):
    rows = open_file(file).take(np.array([8, 7]))
    assert rows.values["text"].tolist() == [[23, 12.5, 26], [0, 0, 0]]
    assert rows.available["text"].tolist() == [True, False]
    assert rows.labels.tolist() == [0, 1]


def test_what_is_kept_of_rows_is_what_is_taken_of_them(file):
    rows = open_file(file)
    of_joy = rows.only(rows.labels == 1).only(slice(2, 5))
    assert len(of_joy) == 3
    expected = rows.take(np.array([5, 7, 9]))
    taken = of_joy.take(slice(None))
    assert taken.ids.tolist() == expected.ids.tolist() == ["dev/0/5", "dev/0/7", "dev/0/9"]
    np.testing.assert_array_equal(taken.values["text"], expected.values["text"])
    assert of_joy.present.tolist() == [True, False, True]


def test_pieces_are_the_whole(file, monkeypatch):
    monkeypatch.setattr("cberl.rows.ROWS_AT_ONCE", 4)
    rows = open_file(file)
    pieces = list(rows.pieces())
    assert [len(piece) for piece in pieces] == [4] * 5 + [3]
    together = np.concatenate([piece.values["text"] for piece in pieces])
    np.testing.assert_array_equal(together, rows.take(slice(None)).values["text"])


def test_a_file_that_is_gone_is_named(file):
    rows = open_file(file)
    file[0].unlink()
    with pytest.raises(InputError, match=r"text.parquet: no such file"):
        rows.take(slice(None))
