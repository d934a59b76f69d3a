"""Training the multimodal GAN.

A class-conditional VAE-GAN over feature vectors (Larsen et al. 2016, Autoencoding beyond pixels;
Bao et al. 2017, CVAE-GAN; for feature vectors of scarce classes Xian et al. 2019, f-VAEGAN-D2).
`cberl.oversample.gan.loss` states what is minimised.

Rows are drawn with weight 1 / sqrt(rows of their class), so that scarce classes are seen more
often without being learnt by heart. Encoder and generators are averaged over the updates
(Yazici et al. 2019, The Unusual Effectiveness of Averaging in GAN Training); samples are drawn
from the averages.
"""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cberl.errors import InputError
from cberl.fitting.checkpoint import Checkpoint
from cberl.fitting.epochs import Plan, run_epochs
from cberl.fitting.tensors import to_tensors
from cberl.fitting.terms import kl_from_standard_normal
from cberl.oversample.gan.loss import adversarial_loss, critic_loss, identity_loss
from cberl.oversample.gan.network import Critics, GANNetwork, Matrices
from cberl.oversample.gan.sample import class_centres, mix_latents
from cberl.oversample.settings import GANSettings
from cberl.oversample.usable import usable_rows
from cberl.rows import LabelledRows
from cberl.seeding import choose_device, reproducible

QUANTITIES = ("critic", "adversarial", "classification", "identity", "divergence")


def fit_gan(
    train: LabelledRows,
    settings: GANSettings,
    seed: int = 0,
    device: str = "auto",
    checkpoint: Checkpoint | None = None,
) -> tuple[GANNetwork, pd.DataFrame]:
    """Train the GAN on training rows.

    Args:
        train: scaled training rows; those without a label or any modality are left out.
        seed: of initial weights and every draw.
        device: auto, cpu or cuda.
        checkpoint: where the training is saved and continued from; None: nowhere.

    Returns:
        The GAN, its weights averaged, on the CPU, in evaluation mode; and its history (table
        HISTORY): the mean of each of the `QUANTITIES` per epoch.

    Raises:
        InputError: no row is usable, or training diverged.
    """
    usable = usable_rows(train)
    if not usable.any():
        raise InputError("no training row has both a label and a modality; a GAN needs some")
    if not usable.all():
        logging.info("the GAN learns from %d of %d training rows", usable.sum(), len(usable))
        train = train.take(usable)
    with reproducible(seed):
        training = GANTraining(train, settings, seed, choose_device(device))
        history = run_epochs(training, Plan("oversample.gan", settings.epochs), checkpoint)
    return training.network.cpu().eval(), history


class GANTraining:
    """Networks, optimizers and averages of one run; `step` updates all of them once.

    Attributes:
        network: the averages of encoder and generators.
    """

    def __init__(self, train: LabelledRows, settings: GANSettings, seed: int, device: str) -> None:
        self.settings, self._labels = settings, train.labels
        self._rows = to_tensors(train, device)
        self._random = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        sizes = (len(train.classes), settings.latent_size, settings.hidden_size)
        self.gan = GANNetwork(train.widths, *sizes).to(device)
        self.critics = Critics(train.widths, sizes[0], settings.hidden_size).to(device)
        # Critics learn faster than what they score (Heusel et al. 2017, two time-scales).
        rate, betas = settings.learning_rate, (0.5, 0.99)
        self.optimizer = torch.optim.Adam(self.gan.parameters(), rate, betas=betas, fused=True)
        self.critic_optimizer = torch.optim.Adam(
            self.critics.parameters(), 2 * rate, betas=betas, fused=True
        )
        self._average = AveragedModel(
            self.gan, multi_avg_fn=get_ema_multi_avg_fn(settings.average_decay)
        )
        self.network = self._average.module

    def run_epoch(self, epoch: int) -> Mapping[str, float]:
        """One update per batch; the mean of each of the `QUANTITIES`."""
        values, available, labels = self._rows
        known = torch.from_numpy(self._labels)
        totals = torch.zeros(len(QUANTITIES), device=labels.device)
        batches = draw_batches(self._labels, self.settings.batch_size, self._random)
        for batch in batches:
            part = batch.to(labels.device)
            totals += self.step(
                {name: matrix[part] for name, matrix in values.items()},
                {name: mask[part] for name, mask in available.items()},
                labels[part],
                known[batch],
            )
        # Read once per epoch: reading a value makes a GPU wait.
        means = (totals / len(batches)).tolist()
        return dict(zip(QUANTITIES, means, strict=True))

    def score(self) -> Mapping[str, float]:
        """Nothing: no epoch is chosen."""
        return {}

    def step(
        self, rows: Matrices, available: Mapping[str, Tensor], labels: Tensor, known: Tensor
    ) -> Tensor:
        """One update of the critics, then one of encoder and generators, on B rows.

        Args:
            known: the labels on the CPU, where partners are drawn; to copy them back from a GPU
                would be to wait for it.

        Returns:
            The `QUANTITIES`, [5].
        """
        mean, log_variance = self.gan.encoder(rows, available, labels)  # [B, latent]
        again, fakes = self._generate(rows, available, labels, known, mean, log_variance)
        critic = self._update_critics(rows, fakes, available, labels)

        # Frozen, the critics pass gradients on to the samples without any of their own.
        self.critics.requires_grad_(False)
        scores, logits = self.critics(fakes, available, labels)
        self.critics.requires_grad_(True)
        adversarial = adversarial_loss(scores, self.critics.scored(available))
        classification = F.cross_entropy(logits, labels)
        identity = identity_loss(again, rows, available)
        divergence = kl_from_standard_normal(mean, log_variance).mean()
        loss = (
            adversarial
            + self.settings.class_weight * classification
            + self.settings.identity_weight * identity
            + self.settings.divergence_weight * divergence
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self._average.update_parameters(self.gan)
        return torch.stack([critic, adversarial, classification, identity, divergence]).detach()

    def _generate(
        self,
        rows: Matrices,
        available: Mapping[str, Tensor],
        labels: Tensor,
        known: Tensor,
        mean: Tensor,
        log_variance: Tensor,
    ) -> tuple[Matrices, Matrices]:
        """The rows as generated from their own latents, and samples: modality -> [B, width]."""
        count = len(labels)
        noise = torch.randn(mean.shape, generator=self._random).to(mean.device)
        own = mean + (log_variance / 2).exp() * noise
        partners = mean[partner_rows(known, self._random).to(mean.device)]
        centres = class_centres(mean, labels, self.gan.classes)[labels]
        mixed = mix_latents(mean, log_variance, partners, centres, self._random)
        # Both kinds of latent in one pass: [2B, latent] -> modality -> [2B, width]
        both = self.gan.generate(torch.cat([own, mixed]), labels.repeat(2))
        again = {name: value[:count] for name, value in both.items()}
        fakes = {
            name: available[name].unsqueeze(1) * (rows[name] + value[count:] - value[:count])
            for name, value in both.items()
        }
        return again, fakes

    def _update_critics(
        self, rows: Matrices, fakes: Matrices, available: Mapping[str, Tensor], labels: Tensor
    ) -> Tensor:
        # Real and generated rows in one pass: [2B, ...]
        both = {name: torch.cat([rows[name], fakes[name].detach()]) for name in rows}
        twice = {name: mask.repeat(2) for name, mask in available.items()}
        scores, logits = self.critics(both, twice, labels.repeat(2))  # [2B, critics]
        critic = critic_loss(scores, self.critics.scored(available))
        # The classifier learns from real rows alone; generators must meet it, not teach it.
        loss = critic + F.cross_entropy(logits[: len(labels)], labels)
        self.critic_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.critic_optimizer.step()
        return critic


def draw_batches(
    labels: np.ndarray, batch_size: int, generator: torch.Generator
) -> tuple[Tensor, ...]:
    """One epoch's batches, int64 each: as many draws as rows, scarce classes more often."""
    weights = torch.from_numpy(np.bincount(labels)[labels]).double().rsqrt()
    drawn = torch.multinomial(weights, len(labels), replacement=True, generator=generator)
    return drawn.split(batch_size)


def partner_rows(labels: Tensor, generator: torch.Generator) -> Tensor:
    """For each row of a batch another one of its class, itself if it is alone: int64 [B].

    Rows are put in random order within their class; each one's partner is the next, and the
    last one's the first. All of it happens on the CPU.
    """
    keys = labels + 0.5 * torch.rand(len(labels), generator=generator, dtype=torch.float64)
    order = keys.argsort()
    ordered = labels[order]
    first = torch.searchsorted(ordered, ordered)
    follows = torch.arange(1, len(labels) + 1)
    last = torch.searchsorted(ordered, ordered, right=True) == follows
    partners = torch.empty_like(order)
    partners[order] = order[torch.where(last, first, follows)]
    return partners
