"""A training is kept now and then, gone on with if nothing has changed, and given up otherwise."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from cberl.fitting import checkpoint as checkpoints
from cberl.fitting.checkpoint import Checkpoint, resumable
from cberl.fitting.epochs import Plan, run_epochs

PROVENANCE = {"rule": "fit_toy", "settings": {"epochs": 6}, "code_digest": "c0de", "seed": 0}


class Noisy:
    """Adds noise to its weight in every epoch; may be told to fail in one."""

    def __init__(self, fails=None):
        self.network = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.network.weight)
        self._random, self._fails, self.epochs = torch.Generator().manual_seed(0), fails, []

    def run_epoch(self, epoch):
        if epoch == self._fails:
            raise KeyboardInterrupt
        self.epochs.append(epoch)
        with torch.no_grad():
            self.network.weight += torch.rand(1) + torch.rand(1, generator=self._random)
        return {"loss": self.network.weight.item()}

    def score(self):
        return {"quality": float(torch.rand(1))}


@pytest.fixture(autouse=True)
def at_every_epoch(monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0)
    torch.manual_seed(0)


def train(training, checkpoint=None):
    plan = Plan("toy", 6, quantity="quality", patience=9)
    history = run_epochs(training, plan, checkpoint)
    return training.network.weight.item(), history


def fail_in(epoch, path, key="key"):
    with pytest.raises(KeyboardInterrupt):
        train(Noisy(epoch), Checkpoint(path, key))


def test_a_training_goes_on_after_the_last_epoch_that_was_kept(tmp_path):
    whole, history = train(Noisy())
    torch.manual_seed(0)
    fail_in(4, tmp_path / "kept")
    again = Noisy()
    weight, its_history = train(again, Checkpoint(tmp_path / "kept", "key"))
    assert again.epochs == [4, 5, 6]
    assert weight == whole
    assert its_history.equals(history)


@pytest.mark.parametrize("stopped", [2, 4, 6])
def test_a_mean_over_epochs_goes_on_where_it_was(tmp_path, stopped):
    def train_averaged(training, checkpoint=None):
        plan = Plan("toy", 6, quantity="quality", window=3, patience=9)
        run_epochs(training, plan, checkpoint)
        return training.network.weight.item()

    whole = train_averaged(Noisy())
    torch.manual_seed(0)
    with pytest.raises(KeyboardInterrupt):
        train_averaged(Noisy(fails=stopped), Checkpoint(tmp_path / "kept", "key"))
    assert train_averaged(Noisy(), Checkpoint(tmp_path / "kept", "key")) == whole


class TwoParts(Noisy):
    """Noisier in its second part, which begins once; dev never improves."""

    def __init__(self, fails=None):
        super().__init__(fails)
        self.part = 1

    def run_epoch(self, epoch):
        with torch.no_grad():
            self.network.weight *= self.part
        return super().run_epoch(epoch)

    def score(self):
        return {"quality": 1.0}

    def begin_second_part(self):
        changed, self.part = self.part == 1, 2
        return changed


def train_in_parts(training, checkpoint=None):
    plan = Plan("toy", 9, quantity="quality", patience=2, second_part=training.begin_second_part)
    return run_epochs(training, plan, checkpoint)


def test_a_training_in_its_second_part_goes_on_in_it(tmp_path):
    history = train_in_parts(TwoParts())
    torch.manual_seed(0)
    with pytest.raises(KeyboardInterrupt):
        train_in_parts(TwoParts(fails=5), Checkpoint(tmp_path / "kept", "key"))
    again = TwoParts()
    assert train_in_parts(again, Checkpoint(tmp_path / "kept", "key")).equals(history)
    assert again.epochs == [5]
    assert again.part == 2


def test_with_another_key_it_starts_anew(tmp_path, caplog):
    caplog.set_level("INFO")
    fail_in(4, tmp_path / "kept")
    again = Noisy()
    train(again, Checkpoint(tmp_path / "kept", "another"))
    assert again.epochs == [1, 2, 3, 4, 5, 6]
    assert "other settings, data or code" in caplog.text


@pytest.mark.parametrize("position", [0, 20, -1])
def test_from_a_broken_file_it_starts_anew(tmp_path, caplog, position):
    fail_in(4, tmp_path / "kept")
    content = bytearray((tmp_path / "kept").read_bytes())
    content[position] ^= 1
    (tmp_path / "kept").write_bytes(content)
    again = Noisy()
    train(again, Checkpoint(tmp_path / "kept", "key"))
    assert again.epochs == [1, 2, 3, 4, 5, 6]
    assert "is broken" in caplog.text


def test_short_epochs_are_not_all_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 1000)
    fail_in(4, tmp_path / "kept")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_the_job_is_done(tmp_path):
    with resumable(tmp_path / "toy.safetensors", PROVENANCE) as checkpoint:
        train(Noisy(), checkpoint)
        train(Noisy(), checkpoint.named("second"))
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("changed", ["settings", "code_digest", "seed", "params"])
def test_settings_code_and_seed_are_in_the_key(tmp_path, changed):
    with pytest.raises(KeyboardInterrupt):
        with resumable(tmp_path / "toy.safetensors", PROVENANCE) as checkpoint:
            train(Noisy(3), checkpoint)
    params = {"loss": "focal"} if changed == "params" else {}
    other = PROVENANCE if params else PROVENANCE | {changed: "another"}
    again = Noisy()
    with resumable(tmp_path / "toy.safetensors", other, params) as checkpoint:
        train(again, checkpoint)
    assert again.epochs[0] == 1


@pytest.mark.parametrize(("seconds_between", "gone_on_from"), [(0, 3), (1000, 3)])
def test_a_job_that_is_asked_to_end_is_kept(tmp_path, seconds_between, gone_on_from, caplog):
    """SLURM asks by SIGTERM at a time limit, some seconds before it kills."""
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        sys.path[:0] = [{os.path.dirname(__file__)!r}]
        from cberl.fitting import checkpoint
        from test_checkpoint import Noisy, PROVENANCE, train
        checkpoint.SECONDS_BETWEEN = {seconds_between}
        class Asked(Noisy):
            def run_epoch(self, epoch):
                done = super().run_epoch(epoch)
                if epoch == {gone_on_from + (seconds_between == 0)}:
                    os.kill(os.getpid(), signal.SIGTERM)
                return done
        with checkpoint.resumable({str(tmp_path / "toy")!r}, PROVENANCE) as kept:
            train(Asked(), kept)
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "asked to end" in done.stderr
    caplog.set_level("INFO")
    again = Noisy()
    with resumable(tmp_path / "toy", PROVENANCE) as checkpoint:
        train(again, checkpoint)
    assert again.epochs[0] == gone_on_from + 1


def test_the_signals_own_meaning_comes_back(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with resumable(tmp_path / "toy", PROVENANCE):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
