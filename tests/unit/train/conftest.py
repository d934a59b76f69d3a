"""Settings of a small network, trained shortly."""

import pytest

from cberl.train.settings import TrainSettings

SETTINGS = TrainSettings(
    hidden_size=16,
    dropout=0.1,
    epochs=15,
    patience=15,
    batch_dialogues=8,
    learning_rate=0.01,
)


@pytest.fixture
def settings():
    return SETTINGS
