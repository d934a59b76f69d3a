import numpy as np
import pytest

from cberl.artifacts import write_table, write_tensors
from cberl.features.feature_rows import feature_rows
from cberl.features.tables import FEATURES, LOG_PROBABILITIES
from cberl.fuse.evidence import find_evidence


@pytest.fixture
def features(tmp_path):
    """Audio of 3 columns, text of 5 of which the last two are log-probabilities; a scaler."""
    paths = []
    for modality, width, facts in (
        ("audio", 3, {}),
        ("text", 5, {LOG_PROBABILITIES: ["a", "b"]}),
    ):
        matrix = np.ones((2, width), np.float32)
        paths.append(tmp_path / f"{modality}.parquet")
        own = {"modality": modality, "split": "dev", **facts}
        frame = feature_rows(["dev/0/0", "dev/0/1"], matrix)
        write_table(paths[-1], FEATURES, frame, {}, {"features": matrix}, own)
    scaler = tmp_path / "scaler.safetensors"
    numbers = np.arange(5, dtype=np.float32)
    tensors = {"text.mean": numbers, "text.scale": numbers + 1}
    tensors |= {"audio.mean": numbers[:3], "audio.scale": numbers[:3] + 1}
    write_tensors(scaler, "scaler", tensors, {})
    return paths, scaler


def test_log_probabilities_are_found_whatever_the_order_of_files(features):
    paths, scaler = features
    expected = {"first": 3, "mean": [3, 4], "scale": [4, 5]}
    assert find_evidence(paths, scaler) == expected
    assert find_evidence(paths[::-1], scaler, before=8) == expected | {"first": 11}


def test_without_log_probabilities_there_is_no_evidence(features):
    paths, scaler = features
    assert find_evidence(paths[:1], scaler) is None
