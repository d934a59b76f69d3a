"""Trainings that are killed at the end of an epoch and gone on with."""

import pytest
import torch

from cberl.fitting import checkpoint as checkpoints
from cberl.fitting.checkpoint import Checkpoint


class Killed(Exception):
    """In place of a signal."""


def assert_resumes(fit, folder, monkeypatch, caplog, epoch):
    """Hold a training that was killed after an epoch against one that was not.

    Args:
        fit: checkpoint or None -> (network, ..., history).
        epoch: the one that is the last before the kill.
    """
    caplog.set_level("INFO")
    whole = fit(None)
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0)
    path, keep = folder / "checkpoint", Checkpoint.keep

    def keep_and_die(self, training, progress):
        keep(self, training, progress)
        if progress.epoch == epoch:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "keep", keep_and_die)
        with pytest.raises(Killed):
            fit(Checkpoint(path, "key"))
    torch.rand(3)  # whatever the random state is by now
    resumed = fit(Checkpoint(path, "key"))
    assert f"training continues after epoch {epoch}" in caplog.text
    for name, value in whole[0].state_dict().items():
        assert torch.equal(value, resumed[0].state_dict()[name]), name
    assert whole[-1].equals(resumed[-1])
