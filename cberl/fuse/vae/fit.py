"""Training the joint VAE."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import torch
from torch import Tensor

from cberl.errors import InputError
from cberl.fitting.captured import CapturedStep
from cberl.fitting.checkpoint import Checkpoint
from cberl.fitting.epochs import Plan, run_epochs
from cberl.fitting.tensors import to_tensors
from cberl.fitting.terms import count_labels, log_prior
from cberl.fuse.settings import VAESettings
from cberl.fuse.vae.loss import annealed, hide_modalities, vae_loss
from cberl.fuse.vae.network import VAENetwork
from cberl.rows import LabelledRows
from cberl.seeding import choose_device, reproducible

LARGEST_GRADIENT = 5.0


def fit_vae(
    train: LabelledRows,
    dev: LabelledRows,
    settings: VAESettings,
    seed: int = 0,
    device: str = "auto",
    checkpoint: Checkpoint | None = None,
) -> tuple[VAENetwork, pd.DataFrame]:
    """Train the joint VAE; keep the weights of the epoch whose loss on dev is lowest.

    `cberl.fuse.vae.loss.vae_loss` states the loss. On dev it is computed at the posterior mean,
    with nothing hidden and the divergence at its full weight, so that epochs compare; epochs in
    which that weight still rises are never the last.

    Args:
        train: recorded training rows.
        dev: dev rows, of the same modalities.
        seed: of weights, order and noise.
        device: auto, cpu or cuda.
        checkpoint: where the training is saved and continued from; None: nowhere.

    Returns:
        The network on the CPU, in evaluation mode, and its history (table HISTORY).

    Raises:
        InputError: a split has no row, dev has other modalities or classes, or the loss stops
            being a number.
    """
    for name, rows in (("train", train), ("dev", dev)):
        if not len(rows):
            raise InputError(f"split {name} has no row; the VAE needs some")
    if dev.widths != train.widths:
        raise InputError(f"dev has widths {dev.widths}; expected those of train, {train.widths}")
    if dev.classes not in ((), train.classes):  # none: it has no labels
        raise InputError(f"dev has classes {dev.classes}; expected those of train, {train.classes}")
    with reproducible(seed):
        training = VAETraining(train, dev, settings, choose_device(device))
        history = run_epochs(
            training,
            Plan(
                "fuse.vae",
                settings.epochs,
                quantity="loss",
                patience=settings.patience,
                settled=settings.annealing_epochs,
            ),
            checkpoint,
        )
    return training.network.cpu().eval(), history


def without_labels(settings: VAESettings) -> VAESettings:
    """The settings for features with encoders' class log-probabilities: no supervised term.

    These carry what is known of the classes, out of fold. Latents fitted to training labels would
    separate classes better in train than in dev and test.
    """
    if settings.class_weight:
        logging.info("encoders gave class log-probabilities: the VAE is trained without labels")
    return replace(settings, class_weight=0.0)


class VAETraining:
    """A joint VAE in training."""

    def __init__(
        self, train: LabelledRows, dev: LabelledRows, settings: VAESettings, device: str
    ) -> None:
        self.settings = settings
        self.network = VAENetwork(
            train.widths,
            len(train.classes),
            settings.latent_size,
            settings.hidden_size,
            settings.dropout,
        ).to(device)
        self._train, self._dev = to_tensors(train, device), to_tensors(dev, device)
        self._prior = log_prior(count_labels(self._train[2], len(train.classes)))
        self._kl_weight = torch.zeros((), device=device)
        # Adam (Kingma & Ba, ICLR 2015), its step in one kernel.
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=settings.learning_rate, fused=True
        )
        self._update = self.step if device == "cpu" else CapturedStep(self.step, self.optimizer)

    def run_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the rows in random order; the mean of each term of the loss."""
        rows, settings = len(self._train[2]), self.settings
        self._kl_weight.fill_(annealed(settings.kl_weight, epoch, settings.annealing_epochs))
        self.network.train()
        sums: dict[str, Tensor | float] = defaultdict(float)
        order = torch.randperm(rows).to(self._kl_weight.device)
        for positions in order.split(settings.batch_size):
            for name, value in self._update(positions).items():
                sums[name] += value.detach() * len(positions)
        return {name: float(value) / rows for name, value in sums.items()}

    def step(self, positions: Tensor) -> dict[str, Tensor]:
        """One update on the rows at these positions, int64 [B]; the terms of the loss."""
        values, available = (
            {name: rows[positions] for name, rows in part.items()} for part in self._train[:2]
        )
        terms = vae_loss(
            self.network,
            values,
            available,
            hide_modalities(available, self.settings.modality_dropout),
            self._train[2][positions],
            self._prior,
            self._kl_weight,
            self.settings.class_weight,
        )
        self.optimizer.zero_grad(set_to_none=True)
        terms["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        return terms

    @torch.no_grad()
    def score(self) -> Mapping[str, float]:
        """The terms of the loss on dev."""
        values, available, labels = self._dev
        self.network.eval()
        weights = (self.settings.kl_weight, self.settings.class_weight)
        terms = vae_loss(self.network, values, available, available, labels, self._prior, *weights)
        return {name: float(value) for name, value in terms.items()}
