"""Reading a split's features, scaled, with their availability."""

import numpy as np
import pandas as pd
import pytest

from cberl.artifacts import write_table, write_tensors
from cberl.corpus.tables import LABELS
from cberl.errors import InputError
from cberl.features.read_rows import group_by_split, read_rows

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


@pytest.fixture
def write(write_features):
    """write(modality, ids, matrix, split) -> path of a table that says what it holds."""

    def of(modality, ids, matrix, split="dev"):
        facts = {"modality": modality, "split": split}
        return write_features(f"{modality}_{split}", ids, matrix, facts)

    return of


def test_rows_are_scaled_and_absent_ones_are_zeros(write, scaler):
    paths = [
        write("text", IDS, [[1, 2], [3, 3], [5, 1]]),
        write("audio", IDS, [NAN, [3, 2], [1, 2]]),
    ]
    rows = read_rows(paths[::-1], scaler)
    assert rows.modalities == ("text", "audio")
    assert rows.ids.tolist() == IDS
    assert rows.values["text"].tolist() == [[0, 0], [1, 2], [2, -2]]
    assert rows.values["audio"].tolist() == [[0, 0], [1, 0], [0, 0]]
    assert rows.values["text"].dtype == np.float32
    assert rows.available["audio"].tolist() == [False, True, True]
    # torch complains of arrays that it may not write to.
    for arrays in (rows.values, rows.available):
        assert all(array.flags.writeable for array in arrays.values())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_values_that_are_no_numbers_are_refused_by_split_and_row(write, scaler, value, monkeypatch):
    path = write("text", IDS, np.ones((3, 2)))
    broken = np.array([[1, 1], [1, value], [1, 1]], dtype=np.float32)
    monkeypatch.setattr("cberl.row_files.take_vectors", lambda *_: broken)
    message = "features of split dev: row dev/0/1 has NaN or infinite values in text"
    with pytest.raises(InputError, match=message):
        read_rows([path], scaler)


def test_files_of_other_utterances_are_refused(write, scaler):
    paths = [
        write("text", IDS, np.ones((3, 2))),
        write("audio", IDS[::-1], np.ones((3, 2))),
    ]
    with pytest.raises(InputError, match=r"audio_dev\.parquet: does not hold the same utterances"):
        read_rows(paths, scaler)


def test_without_a_modality_there_is_nothing_to_read(scaler):
    with pytest.raises(InputError, match="no modality"):
        read_rows([], scaler)


def test_files_of_two_splits_are_refused(write, scaler):
    paths = [write("text", IDS, np.ones((3, 2))), write("audio", IDS, np.ones((3, 2)), "test")]
    with pytest.raises(InputError, match=r"audio_test\.parquet: holds split test, the others dev"):
        read_rows(paths, scaler)


def test_labels_find_their_rows(write, scaler, tmp_path):
    path = tmp_path / "labels.parquet"
    frame = pd.DataFrame({"utterance_id": IDS[::-1], "label": ["joy", None, "fear"]})
    write_table(path, LABELS, frame, {}, metadata={"classes": ["fear", "joy"], "split": "dev"})
    rows = read_rows([write("text", IDS, np.ones((3, 2)))], scaler, path)
    assert rows.labels.tolist() == [0, -1, 1]
    assert rows.classes == ("fear", "joy")
    assert not read_rows([write("text", IDS, np.ones((3, 2)))], scaler).labelled.any()


def test_files_are_grouped_by_the_split_that_they_hold(write):
    text, audio = (write(name, IDS, np.ones((3, 2)), "dev") for name in ("text", "audio"))
    other = write("text", IDS, np.ones((3, 2)), "test")
    assert group_by_split([text, other, audio]) == {"dev": [text, audio], "test": [other]}
