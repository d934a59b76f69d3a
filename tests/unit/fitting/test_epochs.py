"""The training loop, driven by scores that are made up."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from cberl.artifacts import write_table
from cberl.errors import InputError
from cberl.fitting.epochs import Plan, best_epoch, run_epochs
from cberl.tables import HISTORY


class Scripted:
    """Its weight is the number of the last epoch; scores on dev follow a list."""

    def __init__(self, scores=(), losses=None):
        self.network = nn.Linear(1, 1, bias=False)
        self._scores, self._losses = list(scores), losses or {}

    def run_epoch(self, epoch):
        with torch.no_grad():
            self.network.weight.fill_(epoch)
        self._epoch = epoch
        return {"loss": self._losses.get(epoch, 10.0 - epoch), "part": 1.0}

    def score(self):
        return {"quality": self._scores[self._epoch - 1]} if self._scores else {}


def kept(training):
    return int(training.network.weight.item())


@pytest.mark.parametrize(
    ("largest", "scores", "best"),
    [(False, [3, 1, 2, 4], 2), (True, [3, 1, 4, 2], 3), (False, [-1, -5, -2, -3], 2)],
)
def test_the_weights_of_the_best_epoch_are_kept(largest, scores, best):
    training = Scripted(scores)
    plan = Plan("toy", 4, quantity="quality", largest=largest, patience=9)
    history = run_epochs(training, plan)
    assert kept(training) == best
    assert best_epoch(history, "quality", largest) == (best, scores[best - 1])


def test_of_equal_epochs_the_first_is_kept():
    training = Scripted([2, 1, 1, 1])
    run_epochs(training, Plan("toy", 4, quantity="quality", patience=9))
    assert kept(training) == 2


def test_without_a_quantity_the_last_epoch_is_kept():
    training = Scripted()
    history = run_epochs(training, Plan("toy", 5))
    assert kept(training) == 5
    assert set(history["split"]) == {"train"}


def test_of_a_window_the_middle_epoch_is_kept_and_a_lucky_one_is_not(caplog):
    caplog.set_level("INFO")
    scores = [1, 9, 1, 1, 5, 6, 5, 1, 1, 1, 1]
    training = Scripted(scores)
    plan = Plan("toy", 11, quantity="quality", largest=True, window=3, patience=4)
    history = run_epochs(training, plan)
    assert kept(training) == 6
    assert history["epoch"].max() == 6 + 1 + 4  # known one epoch later
    assert "epoch 6 has the highest quality on dev, 5.3333 (mean of 3 epochs" in caplog.text


@pytest.mark.parametrize(("scores", "best"), [([4], 1), ([4, 5], 2), ([5, 4, 5, 4], 3)])
def test_fewer_epochs_than_a_window_are_averaged_as_they_are(scores, best):
    training = Scripted(scores)
    plan = Plan("toy", len(scores), quantity="quality", largest=True, window=5, patience=9)
    run_epochs(training, plan)
    assert kept(training) == best


def test_patience_ends_the_run_that_many_epochs_after_the_best():
    training = Scripted([5, 4, 3, 6, 6, 6, 0])
    history = run_epochs(training, Plan("toy", 7, quantity="quality", patience=3))
    assert history["epoch"].max() == 6
    assert kept(training) == 3


def test_patience_counts_from_the_epoch_in_which_the_loss_settles():
    scores = [0, *[9] * 9]
    settled = Plan("toy", 10, quantity="quality", patience=2, settled=5)
    assert run_epochs(Scripted(scores), settled)["epoch"].max() == 7
    at_once = Plan("toy", 10, quantity="quality", patience=2)
    assert run_epochs(Scripted(scores), at_once)["epoch"].max() == 3


def test_history_is_a_whole_table_of_all_that_was_measured(tmp_path):
    history = run_epochs(Scripted([3, 2]), Plan("toy", 2, quantity="quality", patience=9))
    write_table(tmp_path / "history.parquet", HISTORY, history, {})
    expected = [
        (1, "train", "loss", 9.0),
        (1, "train", "part", 1.0),
        (1, "dev", "quality", 3.0),
        (2, "train", "loss", 8.0),
        (2, "train", "part", 1.0),
        (2, "dev", "quality", 2.0),
    ]
    pd.testing.assert_frame_equal(history, pd.DataFrame(expected, columns=list(history.columns)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["train", "dev"])
def test_a_run_that_diverges_is_ended_with_the_setting_to_change(value, where):
    training = Scripted([1, 1, 1], {2: value}) if where == "train" else Scripted([1.0, value, 1.0])
    message = "fuse.toy: the loss is not finite in epoch 2; expected a lower fuse.toy.learning_rate"
    with pytest.raises(InputError, match=message):
        run_epochs(training, Plan("fuse.toy", 3, quantity="quality", patience=9))


def test_the_best_epoch_is_logged(caplog):
    caplog.set_level("INFO")
    run_epochs(Scripted([3, 7, 2]), Plan("toy", 3, quantity="quality", largest=True, patience=9))
    assert "toy: epoch 2 has the highest quality on dev, 7.0000" in caplog.text


def test_a_second_part_starts_from_the_best_weights_once_patience_is_at_an_end():
    training, parts = Scripted([5, 3, 4, 4, 4, 2, 9, 9, 9, 9, 9]), iter([True, False])
    found = []

    def second_part():
        found.append(training._epoch)
        return next(parts)

    plan = Plan("toy", 11, quantity="quality", patience=2, second_part=second_part)
    history = run_epochs(training, plan)
    assert found == [4, 8]  # epoch 2 is the best of the first part, epoch 6 of the second
    assert kept(training) == 6
    assert history["epoch"].max() == 8


def test_the_start_can_be_the_best(monkeypatch):
    training = Scripted([4, 5, 6])
    training._epoch = 1
    with torch.no_grad():
        training.network.weight.fill_(0)
    history = run_epochs(training, Plan("toy", 2, quantity="quality", patience=9, start=True))
    assert kept(training) == 0
    assert history["epoch"].tolist()[0] == 0
