"""Small made-up features: each class has a direction of its own in every modality."""

import numpy as np
import pytest

from cberl.features.featureset import FeatureSet

WIDTHS = {"text": 12, "audio": 6, "video": 9}
CLASSES = 3
SETTINGS = {
    "latent_size": 8,
    "hidden_size": 24,
    "epochs": 25,
    "patience": 25,
    "batch_size": 32,
    "learning_rate": 0.003,
    "kl_weight": 0.1,
    "annealing_epochs": 3,
    "class_weight": 1.0,
    "modality_dropout": 0.3,
    "dropout": 0.1,
    "device": "cpu",
}


@pytest.fixture
def settings():
    return dict(SETTINGS)


@pytest.fixture
def make_features():
    """make_features(rows, seed, absent share, widths) -> features, labels."""

    def make(rows=150, seed=0, absent=0.1, widths=WIDTHS):
        generator = np.random.default_rng(seed)
        labels = generator.choice(CLASSES, rows, p=[0.6, 0.3, 0.1]).astype(np.int64)
        directions = {
            name: 2 * np.random.default_rng(width).normal(size=(CLASSES, width))
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
        return FeatureSet(ids, values, available), labels

    return make
