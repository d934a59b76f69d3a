"""The training loop that all models share.

A model defines an epoch and how dev is scored; the loop counts the epochs, keeps the best
weights and the history, shows progress, stops, and continues where it was stopped.
"""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Protocol

import pandas as pd
from torch import Tensor, nn

from cberl.errors import InputError
from cberl.fitting.checkpoint import Checkpoint, Progress
from cberl.log import progress
from cberl.tables import HISTORY


class Training(Protocol):
    """One model in training.

    Attributes:
        network: the network whose weights are kept.
    """

    network: nn.Module

    def run_epoch(self, epoch: int) -> Mapping[str, float]:
        """Take one pass over the training rows.

        Args:
            epoch: its number, from 1.

        Returns:
            The mean of each part of the loss; ``loss`` is their weighted sum, where there is one.
        """

    def score(self) -> Mapping[str, float]:
        """Score dev; empty where nothing is chosen on dev."""


@dataclass(frozen=True)
class Plan:
    """How long to train, and which epoch to keep.

    Attributes:
        section: of the configuration that holds the settings, for messages.
        epochs: the most to run.
        quantity: of `Training.score`, the one that chooses the epoch; None keeps the last one.
        largest: the largest value is the best, not the smallest.
        window: how many epochs in a row the value is averaged over; the weights of the middle one
            are kept. Where few rows decide, the best single epoch is mostly a lucky one.
        patience: epochs without a better value before training stops.
        settled: the last epoch in which the loss still changes; patience counts from there on.
        second_part: called when patience is at an end; if it returns True, training continues from
            the best weights with another loss, and patience counts anew. None: there is no such
            part.
        start: whether the weights before the first epoch, as epoch 0, may be the best.
    """

    section: str
    epochs: int
    quantity: str | None = None
    largest: bool = False
    window: int = 1
    patience: int = 0
    settled: int = 0
    second_part: Callable[[], bool] | None = None
    start: bool = False


def run_epochs(
    training: Training, plan: Plan, checkpoint: Checkpoint | None = None
) -> pd.DataFrame:
    """Train, and leave the weights of the best epoch in ``training.network``.

    Args:
        checkpoint: where the training is saved now and then, and continued from.

    Returns:
        The rows of the table HISTORY.

    Raises:
        InputError: a loss or score stops being a number.
    """
    first = 0 if plan.start else 1
    so_far = (checkpoint.restore(training) if checkpoint else None) or Progress(epoch=first - 1)
    if so_far.second_part_since and plan.second_part:
        plan.second_part()
    epochs = range(so_far.epoch + 1, plan.epochs + 1)
    for epoch in progress(epochs, len(epochs), f"epochs of {plan.section}"):
        trained = training.run_epoch(epoch) if epoch else {}
        scores = training.score()
        if not all(map(math.isfinite, (*trained.values(), *scores.values()))):
            raise InputError(
                f"{plan.section}: the loss is not finite in epoch {epoch}; expected a lower"
                f" {plan.section}.learning_rate"
            )
        so_far.epoch = epoch
        so_far.history += [(epoch, "train", name, value) for name, value in trained.items()]
        so_far.history += [(epoch, "dev", name, value) for name, value in scores.items()]
        if plan.quantity is not None:
            value = -scores[plan.quantity] if plan.largest else scores[plan.quantity]
            _compare(so_far, epoch, value, training.network, plan.window)
            best_since = so_far.best_epoch + plan.window // 2
            if epoch - max(best_since, so_far.second_part_since, plan.settled) >= plan.patience:
                if plan.second_part is None or not plan.second_part():
                    break
                training.network.load_state_dict(so_far.best_state)
                so_far.second_part_since = epoch
        if checkpoint:
            checkpoint.keep(training, so_far)
    if plan.quantity is not None:
        training.network.load_state_dict(so_far.best_state)
        which = "highest" if plan.largest else "lowest"
        logging.info(
            "%s: epoch %d has the %s %s on dev, %.4f%s",
            *(plan.section, so_far.best_epoch, which, plan.quantity, abs(so_far.best_value)),
            f" (mean of {plan.window} epochs around it)" if plan.window > 1 else "",
        )
    return pd.DataFrame(so_far.history, columns=HISTORY.names)


def _compare(so_far: Progress, epoch: int, value: float, network: nn.Module, window: int) -> None:
    """Take over the middle epoch of the last ``window`` ones, if their mean is the best so far."""
    recent = [*so_far.recent, (epoch, value, _copy_of(network.state_dict()))]
    mean = fmean(one_value for _, one_value, _ in recent)
    # Until there are as many as the window has, the last mean counts: one of fewer is luckier.
    if mean < so_far.best_value or (window > 1 and epoch <= window):
        so_far.best_value = mean
        so_far.best_epoch, _, so_far.best_state = recent[len(recent) // 2]
    so_far.recent = recent[1:] if len(recent) == window else recent


def best_epoch(history: pd.DataFrame, quantity: str, largest: bool = False) -> tuple[int, float]:
    """The epoch that `run_epochs` kept with a window of one, and its ``quantity`` on dev."""
    rows = history[(history["split"] == "dev") & (history["quantity"] == quantity)]
    position = rows["value"].idxmax() if largest else rows["value"].idxmin()
    return int(rows["epoch"][position]), float(rows["value"][position])


def _copy_of(state: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in state.items()}
