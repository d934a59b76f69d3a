"""Training of the multimodal GAN.

A class-conditional VAE-GAN over feature vectors (Larsen et al. 2016, Autoencoding beyond pixels;
Bao et al. 2017, CVAE-GAN; for feature vectors of scarce classes Xian et al. 2019, f-VAEGAN-D2).
The terms that encoder and generators minimise, each over available modalities alone:

- identity: a row that goes through encoder and generators of its own class comes back as itself
  (the reconstruction of CVAE-GAN; the identity mapping of Zhu et al. 2017, CycleGAN, section 5.2);
- divergence: KL(q(z | x, y) || N(0, I));
- adversarial: samples pass for real with a critic per modality and a joint one; hinge loss
  (Lim & Ye 2017, Geometric GAN), critics of spectral norm 1 in place of a gradient penalty, which
  costs a second backward pass. Samples are made as `cberl.oversample.gan.sample.sample_gan` makes
  them, but that the row generated from the noisy latent of the identity term is taken away, not
  that from the latent's mean, which would cost another pass through the generators;
- classification: the auxiliary classifier recognises the class of a sample.

Rows are drawn with weight 1 / sqrt(rows of their class), so that scarce classes are seen more
often without being learnt by heart. Encoder and generators are averaged over the updates
(Yazici et al. 2019, The Unusual Effectiveness of Averaging in GAN Training); samples are drawn
from the averages.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cberl.corpus.labels import NO_LABEL
from cberl.errors import InputError
from cberl.features.featureset import FeatureSet
from cberl.log import progress
from cberl.oversample.gan.network import Critics, Rows
from cberl.oversample.gan.sample import Gan, class_centres, mix_latents, to_tensors
from cberl.oversample.usable import usable_labels
from cberl.seeding import choose_device

QUANTITIES = ("critic", "adversarial", "classification", "identity", "divergence")


def fit_gan(
    features: FeatureSet, labels: np.ndarray, classes: int, settings: Mapping[str, Any], seed: int
) -> tuple[Gan, pd.DataFrame]:
    """Train the GAN on training rows.

    Args:
        features: scaled training rows, N of them.
        labels: class numbers, int64 [N]; rows without a label or any modality are left out.
        classes: number of classes.
        settings: section oversample.gan of the configuration, and ``device``.
        seed: of initial weights and every draw.

    Returns:
        The GAN, its weights averaged, on the CPU; and a frame of table HISTORY, the mean of each
        of the `QUANTITIES` per epoch.

    Raises:
        InputError: no row is usable, or training diverged.
    """
    usable = usable_labels(features, labels) != NO_LABEL
    if not usable.any():
        raise InputError("no training row has both a label and a modality; a GAN needs some")
    if not usable.all():
        logging.info("the GAN learns from %d of %d training rows", usable.sum(), len(usable))
        features, labels = features.take(usable), labels[usable]
    device = choose_device(settings["device"])
    rows, masks, numbers = to_tensors(features, labels, device)
    generator = torch.Generator().manual_seed(seed)
    training = start_training(features, classes, settings, seed, generator)
    history = []
    for epoch in progress(range(1, settings["epochs"] + 1), settings["epochs"], "epochs"):
        batches = draw_batches(labels, settings["batch_size"], generator)
        values = run_epoch(training, rows, masks, numbers, batches)
        if not np.isfinite(values).all():
            raise InputError(
                f"the GAN diverged in epoch {epoch}; expected a smaller "
                "oversample.gan.learning_rate"
            )
        history += [(epoch, "train", *pair) for pair in zip(QUANTITIES, values, strict=True)]
    frame = pd.DataFrame(history, columns=["epoch", "split", "quantity", "value"])
    return training.average.module.cpu().eval(), frame


def run_epoch(
    training: "Training",
    rows: Rows,
    masks: Mapping[str, Tensor],
    labels: Tensor,
    batches: Sequence[Tensor],
) -> list[float]:
    """One update per batch of row numbers, and the mean of each of the `QUANTITIES`."""
    totals = torch.zeros(len(QUANTITIES), device=labels.device)
    for batch in batches:
        part = batch.to(labels.device)
        totals += training.step(
            {name: row[part] for name, row in rows.items()},
            {name: mask[part] for name, mask in masks.items()},
            labels[part],
        )
    # Read once per epoch: reading a value makes a GPU wait.
    return (totals / len(batches)).tolist()


def start_training(
    features: FeatureSet,
    classes: int,
    settings: Mapping[str, Any],
    seed: int,
    generator: torch.Generator,
) -> "Training":
    """New networks with seeded weights, whatever the state of torch's own random numbers."""
    device = choose_device(settings["device"])
    widths = {name: value.shape[1] for name, value in features.values.items()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        gan = Gan(widths, classes, settings["latent_size"], settings["hidden_size"])
        critics = Critics(widths, classes, settings["hidden_size"])
    return Training(gan.to(device), critics.to(device), settings, generator)


def draw_batches(
    labels: np.ndarray, batch_size: int, generator: torch.Generator
) -> tuple[Tensor, ...]:
    """One epoch's batches, int64 each: as many draws as rows, scarce classes more often."""
    weights = torch.from_numpy(np.bincount(labels)[labels]).double().rsqrt()
    drawn = torch.multinomial(weights, len(labels), replacement=True, generator=generator)
    return drawn.split(batch_size)


class Training:
    """Networks, optimizers and averages of one run; `step` updates all of them once."""

    def __init__(
        self,
        gan: Gan,
        critics: Critics,
        settings: Mapping[str, Any],
        generator: torch.Generator,
    ) -> None:
        self.gan, self.critics, self.settings, self.random = gan, critics, settings, generator
        rate = settings["learning_rate"]
        # Critics learn faster than what they judge (Heusel et al. 2017, two time-scales).
        self.optimizer = torch.optim.Adam(gan.parameters(), rate, betas=(0.5, 0.99), fused=True)
        self.critic_optimizer = torch.optim.Adam(
            critics.parameters(), 2 * rate, betas=(0.5, 0.99), fused=True
        )
        self.average = AveragedModel(
            gan, multi_avg_fn=get_ema_multi_avg_fn(settings["average_decay"])
        )

    def step(self, rows: Rows, masks: Mapping[str, Tensor], labels: Tensor) -> Tensor:
        """One update of the critics, then one of encoder and generators, on B rows.

        Returns:
            The `QUANTITIES`, [5].
        """
        mean, log_variance = self.gan.encoder(rows, masks, labels)  # [B, latent]
        again, fakes = self._generate(rows, masks, labels, mean, log_variance)
        critic = self._update_critics(rows, fakes, masks, labels)

        # Frozen, the critics pass gradients on to the samples without any of their own.
        self.critics.requires_grad_(False)
        scores, logits = self.critics(fakes, masks, labels)
        self.critics.requires_grad_(True)
        adversarial = -masked_mean(scores, self.critics.judged(masks))
        classification = F.cross_entropy(logits, labels)
        identity = identity_loss(again, rows, masks)
        divergence = divergence_loss(mean, log_variance)
        loss = (
            adversarial
            + self.settings["class_weight"] * classification
            + self.settings["identity_weight"] * identity
            + self.settings["divergence_weight"] * divergence
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.average.update_parameters(self.gan)
        return torch.stack([critic, adversarial, classification, identity, divergence]).detach()

    def _generate(
        self,
        rows: Rows,
        masks: Mapping[str, Tensor],
        labels: Tensor,
        mean: Tensor,
        log_variance: Tensor,
    ) -> tuple[Rows, Rows]:
        """The rows as generated from their own latents, and samples: modality -> [B, width]."""
        count = len(labels)
        noise = torch.randn(mean.shape, generator=self.random).to(mean.device)
        own = mean + (log_variance / 2).exp() * noise
        partners = mean[partner_rows(labels, self.random)]
        centres = class_centres(mean, labels, self.gan.classes)[labels]
        mixed = mix_latents(mean, log_variance, partners, centres, self.random)
        # Both kinds of latent in one pass: [2B, latent] -> modality -> [2B, width]
        both = self.gan.generate(torch.cat([own, mixed]), labels.repeat(2))
        again = {name: value[:count] for name, value in both.items()}
        fakes = {
            name: masks[name] * (rows[name] + value[count:] - value[:count])
            for name, value in both.items()
        }
        return again, fakes

    def _update_critics(
        self, rows: Rows, fakes: Rows, masks: Mapping[str, Tensor], labels: Tensor
    ) -> Tensor:
        judged = self.critics.judged(masks)
        # Real and generated rows in one pass: [2B, ...]
        both = {name: torch.cat([rows[name], fakes[name].detach()]) for name in rows}
        twice = {name: mask.repeat(2, 1) for name, mask in masks.items()}
        scores, logits = self.critics(both, twice, labels.repeat(2))  # [2B, critics]
        real, fake = scores.chunk(2)
        critic = masked_mean(F.relu(1 - real), judged) + masked_mean(F.relu(1 + fake), judged)
        # The classifier learns from real rows alone; generators must meet it, not teach it.
        loss = critic + F.cross_entropy(logits[: len(labels)], labels)
        self.critic_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.critic_optimizer.step()
        return critic


def masked_mean(values: Tensor, masks: Tensor) -> Tensor:
    """Mean over the rows that count, then over columns: [B, C], [B, C] -> scalar.

    A column without such a row counts as 0.
    """
    return ((values * masks).sum(dim=0) / masks.sum(dim=0).clamp(min=1)).mean()


def identity_loss(again: Rows, rows: Rows, masks: Mapping[str, Tensor]) -> Tensor:
    """Huber loss between rows and themselves after encoding and generation: scalar.

    Mean over a modality's width, its available rows, and the modalities. Huber, because acoustic
    functionals have outliers of many standard deviations.
    """
    losses = []
    for name, row in rows.items():
        loss = F.smooth_l1_loss(again[name], row, reduction="none").mean(dim=1, keepdim=True)
        losses.append(masked_mean(loss, masks[name]))
    return torch.stack(losses).mean()


def divergence_loss(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mu, sigma^2) || N(0, 1)) in nats per latent dimension, mean over rows: scalar."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()


def partner_rows(labels: Tensor, generator: torch.Generator) -> Tensor:
    """For each row of a batch another one of its class, itself if it is alone: int64 [B].

    Rows are put in random order within their class; each one's partner is the next, and the
    last one's the first.
    """
    keys = labels.cpu() + 0.5 * torch.rand(len(labels), generator=generator, dtype=torch.float64)
    order = keys.argsort().to(labels.device)
    ordered = labels[order]
    first = torch.searchsorted(ordered, ordered)
    follows = torch.arange(1, len(labels) + 1, device=labels.device)
    last = torch.searchsorted(ordered, ordered, right=True) == follows
    partners = torch.empty_like(order)
    partners[order] = order[torch.where(last, first, follows)]
    return partners
