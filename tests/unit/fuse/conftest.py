"""Small made-up features: each class has a direction of its own in every modality."""

import numpy as np
import pytest

from cberl.fuse.settings import VAESettings
from cberl.rows import LabelledRows

WIDTHS = {"text": 12, "audio": 6, "video": 9}
CLASSES = ("a", "b", "c")
SETTINGS = VAESettings(
    latent_size=8,
    hidden_size=24,
    dropout=0.1,
    epochs=25,
    patience=25,
    batch_size=32,
    learning_rate=0.003,
    kl_weight=0.1,
    annealing_epochs=3,
    modality_dropout=0.3,
)


@pytest.fixture
def settings():
    return SETTINGS


@pytest.fixture
def make_rows():
    """make_rows(rows, seed, absent share, widths) -> LabelledRows."""

    def make(rows=150, seed=0, absent=0.1, widths=WIDTHS):
        generator = np.random.default_rng(seed)
        labels = generator.choice(len(CLASSES), rows, p=[0.6, 0.3, 0.1])
        directions = {
            name: 2 * np.random.default_rng(width).normal(size=(len(CLASSES), width))
            for name, width in widths.items()
        }
        available = {name: generator.random(rows) >= absent for name in widths}
        values = {
            name: np.where(
                available[name][:, None],
                directions[name][labels] + generator.normal(size=(rows, width)),
                0,
            ).astype(np.float32)
            for name, width in widths.items()
        }
        ids = np.array([f"train/0/{row}" for row in range(rows)], dtype=object)
        return LabelledRows(ids, values, available, labels, CLASSES)

    return make
