"""Made features and conversations with classes that differ in size."""

import numpy as np
import pandas as pd
import pytest

from cberl.rows import LabelledRows

CLASSES = ("neutral", "joy", "fear", "disgust")
WIDTHS = {"text": 12, "audio": 6, "video": 9}


@pytest.fixture(scope="session")
def make_rows():
    """Rows of classes that differ in mean and share a latent across modalities."""

    def make(counts=(60, 30, 12, 6), widths=WIDTHS, missing=0.1, seed=0):
        draw = np.random.default_rng(seed)
        world = np.random.default_rng(7)  # the same classes whatever the seed of the rows
        labels = draw.permutation(np.repeat(np.arange(len(counts)), counts))
        centres = 2 * world.normal(size=(len(counts), 5))
        latent = centres[labels] + draw.normal(size=(len(labels), 5))  # [N, 5]
        values, available = {}, {}
        for name, width in widths.items():
            mixing = world.normal(size=(5, width)) / 3
            mask = draw.random(len(labels)) >= missing
            rows = latent @ mixing + 0.1 * draw.normal(size=(len(labels), width))
            values[name] = np.where(mask[:, None], rows, 0).astype(np.float32)
            available[name] = mask
        ids = np.array([f"train/{n // 6}/{n % 6}" for n in range(len(labels))], dtype=object)
        return LabelledRows(ids, values, available, labels, CLASSES[: len(counts)])

    return make


@pytest.fixture
def make_train():
    """Rows of table UTTERANCES (the columns that plan need) for as many rows, six a dialogue."""

    def make(ids):
        dialogues = [name.rsplit("/", 1)[0] for name in ids]
        return pd.DataFrame(
            {
                "utterance_id": ids,
                "split": "train",
                "dialogue_id": dialogues,
                "turn": pd.Series(dialogues).groupby(dialogues).cumcount().astype("int32"),
                "speaker": [f"speaker {n % 3}" for n in range(len(ids))],
            }
        )

    return make
