"""Splits fused whole, and as if a modality had never been recorded."""

import numpy as np
import pandas as pd

from cberl.artifacts import write_table, write_tensors
from cberl.features.feature_rows import feature_rows
from cberl.features.tables import FEATURES
from cberl.fuse.concatenate import concatenate_modalities
from cberl.fuse.splits import fuse_split, fuse_splits
from cberl.modalities import SPLITS
from cberl.oversample.tables import SYNTHETIC

MODALITIES = ("text", "audio")


def write_features(folder):
    """One table per split and modality, in that order: two rows of two and of one number."""
    paths = []
    for number, split in enumerate(SPLITS):
        ids = [f"{split}/0/0", f"{split}/0/1"]
        for width, modality in zip((2, 1), MODALITIES, strict=True):
            matrix = np.full((2, width), number, dtype=np.float32)
            path = folder / f"{modality}_{split}.parquet"
            facts = {"modality": modality, "split": split}
            frame = feature_rows(ids, matrix)
            write_table(path, FEATURES, frame, {}, {"features": matrix}, facts)
            paths.append(path)
    return paths


def write_synthetic(path, rows):
    """Copies of the first training turn, each with 9 for every number."""
    names = [f"train/0~{copy}" for copy in range(1, rows + 1)]
    frame = pd.DataFrame(
        {
            "utterance_id": [f"{name}/0" for name in names],
            "source_utterance_id": "train/0/0",
            "dialogue_id": names,
            "turn": 0,
            "speaker": "A",
            "label": "joy",
            "is_synthetic": True,
            "text_available": True,
            "audio_available": True,
        }
    )
    matrices = {"text": np.full((rows, 2), 9), "audio": np.full((rows, 1), 9)}
    write_table(path, SYNTHETIC, frame, {}, matrices)


def fuse_files(folder, synthetic):
    scaler = {
        f"{modality}.{name}": np.full(width, value, np.float32)
        for width, modality in zip((2, 1), MODALITIES, strict=True)
        for name, value in (("mean", 0), ("scale", 1))
    }
    write_tensors(folder / "scaler.safetensors", "scaler", scaler, {})
    write_synthetic(folder / "synthetic.parquet", synthetic)
    fused = [
        (split, whole(pieces))
        for split, pieces in fuse_splits(
            write_features(folder),
            folder / "scaler.safetensors",
            folder / "synthetic.parquet",
            concatenate_modalities,
        )
    ]
    assert [split for split, _ in fused] == list(SPLITS)
    return [table for _, table in fused]


def whole(pieces):
    frames, matrices = zip(*pieces, strict=True)
    return pd.concat(frames, ignore_index=True), np.concatenate(matrices)


def test_every_split_is_read_from_its_own_files_and_samples_join_train(tmp_path):
    (train, train_rows), (dev, dev_rows), (test, test_rows) = fuse_files(tmp_path, 1)
    assert train["utterance_id"].tolist() == ["train/0/0", "train/0/1", "train/0~1/0"]
    assert train["is_synthetic"].tolist() == [False, False, True]
    assert train_rows.tolist() == [[0] * 3, [0] * 3, [9] * 3]
    for number, split, frame, rows in ((1, "dev", dev, dev_rows), (2, "test", test, test_rows)):
        whole = (frame["removed"] == "none").to_numpy()
        assert frame["utterance_id"][whole].tolist() == [f"{split}/0/0", f"{split}/0/1"]
        assert not frame["is_synthetic"].any()
        assert (rows[whole] == number).all()


def test_without_samples_train_is_as_it_was_recorded(tmp_path):
    (train, rows), *_ = fuse_files(tmp_path, 0)
    assert train["utterance_id"].tolist() == ["train/0/0", "train/0/1"]
    assert rows.shape == (2, 3)


def test_splits_come_whole_and_for_dev_and_test_without_each_modality(make_rows):
    rows = make_rows(10, absent=0.0)
    frame, matrix = whole(fuse_split(rows, "train", concatenate_modalities, synthetic=True))
    assert matrix.shape == (10, 27)
    assert frame["removed"].eq("none").all()
    assert frame["is_synthetic"].all()
    frame, matrix = whole(fuse_split(rows, "test", concatenate_modalities))
    assert matrix.shape == (40, 27)
    assert not frame["is_synthetic"].any()
    assert list(frame["removed"].unique()) == ["none", "text", "audio", "video"]
    without_audio = matrix[(frame["removed"] == "audio").to_numpy()]
    assert not without_audio[:, 12:18].any()
    np.testing.assert_array_equal(without_audio[:, :12], rows.values["text"])


def test_pieces_put_together_are_the_whole(make_rows, monkeypatch):
    rows = make_rows(10, absent=0.3)
    frame, matrix = whole(fuse_split(rows, "dev", concatenate_modalities))
    monkeypatch.setattr("cberl.rows.ROWS_AT_ONCE", 3)
    pieces = list(fuse_split(rows, "dev", concatenate_modalities))
    assert max(len(part) for part, _ in pieces) == 3
    pd.testing.assert_frame_equal(whole(pieces)[0], frame)
    np.testing.assert_array_equal(whole(pieces)[1], matrix)


def test_a_row_is_available_if_any_modality_is(make_rows):
    rows = make_rows(4, absent=0.0, widths={"text": 2, "audio": 2})
    rows.available["text"][:] = [True, True, False, False]
    rows.available["audio"][:] = [True, False, True, False]
    frame, _ = whole(fuse_split(rows, "dev", concatenate_modalities))
    available = frame.pivot(index="utterance_id", columns="removed", values="available")
    assert available["none"].tolist() == [True, True, True, False]
    assert available["text"].tolist() == [True, False, True, False]
