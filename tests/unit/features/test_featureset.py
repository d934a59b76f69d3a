"""Reading a split's features, scaled, with their availability."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cberl.artifacts import write_tensors
from cberl.errors import InputError
from cberl.features.featureset import FeatureSet, join, read_features

IDS = ["dev/0/0", "dev/0/1", "dev/0/2"]
NAN = [np.nan, np.nan]


@pytest.fixture
def scaler(tmp_path):
    tensors = {
        name: np.array(value, np.float32)
        for modality in ("text", "audio")
        for name, value in ((f"{modality}.mean", [1, 2]), (f"{modality}.scale", [2, 0.5]))
    }
    write_tensors(tmp_path / "scaler.safetensors", "scaler", tensors, {})
    return tmp_path / "scaler.safetensors"


def test_rows_are_scaled_and_absent_ones_are_zeros(write_features, scaler):
    paths = {
        "text": write_features("text", IDS, [[1, 2], [3, 3], [5, 1]]),
        "audio": write_features("audio", IDS, [NAN, [3, 2], [1, 2]]),
    }
    features = read_features(paths, scaler)
    assert features.ids.tolist() == IDS
    assert features.values["text"].tolist() == [[0, 0], [1, 2], [2, -2]]
    assert features.values["audio"].tolist() == [[0, 0], [1, 0], [0, 0]]
    assert features.values["text"].dtype == np.float32
    assert features.available["audio"].tolist() == [False, True, True]
    # torch complains of arrays that it may not write to.
    for arrays in (features.values, features.available):
        assert all(array.flags.writeable for array in arrays.values())


def spoil(path, value):
    """Rewrite a table of features with one value that the pipeline itself would not write."""
    table = pq.read_table(path)
    flat = table.column("features").combine_chunks().flatten().to_numpy().copy()
    flat[3] = value
    column = pa.FixedSizeListArray.from_arrays(pa.array(flat), 2)
    place = table.schema.get_field_index("features")
    pq.write_table(table.set_column(place, table.schema.field(place), column), path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_values_that_are_no_numbers_are_refused_by_file_and_row(write_features, scaler, value):
    path = write_features("text", IDS, np.ones((3, 2)))
    spoil(path, value)
    with pytest.raises(InputError, match=r"text\.parquet: row dev/0/1 has NaN or infinite"):
        read_features({"text": path}, scaler)


def test_files_of_other_utterances_are_refused(write_features, scaler):
    paths = {
        "text": write_features("text", IDS, np.ones((3, 2))),
        "audio": write_features("audio", IDS[::-1], np.ones((3, 2))),
    }
    with pytest.raises(InputError, match=r"audio\.parquet: does not hold the same utterances"):
        read_features(paths, scaler)


def test_without_a_modality_there_is_nothing_to_read(scaler):
    with pytest.raises(InputError, match="no modality"):
        read_features({}, scaler)


def test_a_modality_taken_away_leaves_the_others(write_features, scaler):
    paths = {name: write_features(name, IDS, np.ones((3, 2))) for name in ("text", "audio")}
    features = read_features(paths, scaler)
    left = features.without("audio")
    assert not left.values["audio"].any()
    assert not left.available["audio"].any()
    np.testing.assert_array_equal(left.values["text"], features.values["text"])
    assert features.available["audio"].all()


def test_rows_are_taken_and_joined_in_order():
    rows = FeatureSet(
        np.array(["a", "b"], dtype=object),
        {"text": np.array([[1.0], [2.0]], np.float32)},
        {"text": np.array([True, False])},
    )
    both = join(rows, rows.take(np.array([1, 0])))
    assert both.ids.tolist() == ["a", "b", "b", "a"]
    assert both.values["text"].ravel().tolist() == [1, 2, 2, 1]
    assert both.available["text"].tolist() == [True, False, False, True]
