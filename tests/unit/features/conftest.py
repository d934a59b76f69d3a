"""Small inputs of the features stage."""

import numpy as np
import pandas as pd
import pytest
from made_clips import SAMPLE_RATE

from cberl.artifacts import open_table, write_table
from cberl.corpus.tables import MEDIA
from cberl.features.feature_rows import feature_rows
from cberl.features.tables import FEATURES
from cberl.torchvision_guard import guard_torchvision

guard_torchvision()


@pytest.fixture
def write_media(tmp_path):
    """Write a table of media from (id, samples or None, list of JPEGs or None)."""

    def write(clips):
        path = tmp_path / "media.parquet"
        with open_table(path, MEDIA, {}) as writer:
            for start in range(0, max(len(clips), 1), 3):
                piece = clips[start : start + 3]
                frame = pd.DataFrame(dict.fromkeys(MEDIA.names, [None] * len(piece)), dtype=object)
                frame["utterance_id"] = [name for name, _, _ in piece]
                frame["audio"] = pd.Series([samples for _, samples, _ in piece], dtype=object)
                frame["frames"] = pd.Series([frames for _, _, frames in piece], dtype=object)
                frame["sample_rate"] = SAMPLE_RATE
                writer.write(frame)
        return path

    return write


@pytest.fixture
def write_features(tmp_path):
    def write(name, ids, matrix, facts=None):
        path = tmp_path / f"{name}.parquet"
        matrix = np.asarray(matrix, dtype=np.float32)
        frame = feature_rows(ids, matrix)
        write_table(path, FEATURES, frame, {}, {"features": matrix}, facts)
        return path

    return write


@pytest.fixture
def conversations():
    """Two dialogues, one utterance without a transcript."""
    return pd.DataFrame(
        [
            ("train/0/0", "train/0", 0, "Ross", "Hi, how are you?"),
            ("train/0/1", "train/0", 1, "Joey", "Better than ever, and hungry as a bear."),
            ("train/0/2", "train/0", 2, "Ross", ""),
            ("train/0/3", "train/0", 3, "Joey", "Wait."),
            ("dev/0/0", "dev/0", 0, "Al", "Wait."),
            ("dev/0/1", "dev/0", 1, "Ross", "No, no, no!"),
        ],
        columns=["utterance_id", "dialogue_id", "turn", "speaker", "text"],
    )
