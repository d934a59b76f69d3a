"""The multimodal GAN: new rows of a class, all modalities at once.

A VAE-GAN over feature vectors (Larsen et al. 2016, Autoencoding beyond pixels; Bao et al. 2017,
CVAE-GAN; for feature vectors of scarce classes Xian et al. 2019, f-VAEGAN-D2). Writing x for a
row's available modalities, y for its class, E for the encoder, G_m for the generators:

- identity: a row that goes through E and its own class's generators comes back as itself
  (the reconstruction of CVAE-GAN, the role that CycleGAN's identity term has for mappings;
  Zhu et al. 2017, section 5.2). Huber loss per value, mean over the available modalities;
- divergence: KL(q(z | x, y) || N(0, I));
- adversarial: samples drawn exactly as `sample_gan` draws them (see `mix_latents`) against real
  rows, by a critic per modality and a joint one; hinge loss (Lim & Ye 2017, Geometric GAN);
- classification: the auxiliary classifier recognises the class of a sample.

Rows are drawn with weight 1 / sqrt(rows of their class), so that scarce classes are seen more
often without being learnt by heart. Generators and encoder are averaged over the updates
(Yazici et al. 2019, The Unusual Effectiveness of Averaging in GAN Training) and the averages kept.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cberl.corpus.labels import NO_LABEL
from cberl.errors import InputError
from cberl.features.featureset import FeatureSet
from cberl.log import progress
from cberl.oversample.check import check_training_rows
from cberl.oversample.networks import Critics, Encoder, Generator
from cberl.seeding import choose_device

QUANTITIES = ("critic", "adversarial", "classification", "identity", "divergence")
ROWS_AT_ONCE = 4096


class Gan(nn.Module):
    """Encoder and generators, with what sampling needs to know of the training rows.

    Buffers, N training rows in class order: ``means`` and ``log_variances`` float32
    [N, latent_size], their posteriors; ``labels`` int64 [N]; ``masks`` bool [N, modalities];
    per modality ``low_{name}`` and ``high_{name}`` float32 [width], the range of its values.
    """

    def __init__(
        self,
        widths: Mapping[str, int],
        classes: int,
        rows: int,
        latent_size: int,
        hidden_size: int,
    ) -> None:
        super().__init__()
        self._sizes = {
            "classes": classes,
            "rows": rows,
            "latent_size": latent_size,
            "hidden_size": hidden_size,
        }
        self._widths = dict(widths)
        self.encoder = Encoder(widths, classes, latent_size, hidden_size)
        self.generators = nn.ModuleDict(
            {
                name: Generator(width, classes, latent_size, hidden_size)
                for name, width in widths.items()
            }
        )
        self.register_buffer("means", torch.zeros(rows, latent_size))
        self.register_buffer("log_variances", torch.zeros(rows, latent_size))
        self.register_buffer("labels", torch.zeros(rows, dtype=torch.int64))
        self.register_buffer("masks", torch.zeros(rows, len(widths), dtype=torch.bool))
        for name, width in widths.items():
            self.register_buffer(f"low_{name}", torch.zeros(width))
            self.register_buffer(f"high_{name}", torch.zeros(width))

    def describe(self) -> dict[str, Any]:
        """What `load_gan` needs beside the tensors, JSON-able, whose order of keys is not kept."""
        return {
            "sizes": self._sizes,
            "modalities": list(self._widths),
            "widths": list(self._widths.values()),
        }

    def generate(self, latent: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """All modalities from one latent: [B, latent_size] -> modality -> [B, width]."""
        return {name: layers(latent, labels) for name, layers in self.generators.items()}


def mix_latents(
    means: Tensor, log_variances: Tensor, partners: Tensor, generator: torch.Generator
) -> Tensor:
    """Draw a latent near the segment between each row and its partner of the same class.

    z = a mu + (1 - a) mu' + sigma * e, with a uniform on [1/2, 1] and e standard normal: between
    two encoded rows as in DeepSMOTE (Dablain et al. 2022), spread by the posterior.

    Args:
        means, log_variances: posteriors of B rows, [B, latent_size].
        partners: posterior means of their partners, [B, latent_size].

    Returns:
        [B, latent_size].
    """
    shape = (len(means), 1)
    share = 0.5 + 0.5 * torch.rand(shape, generator=generator).to(means.device)
    noise = torch.randn(means.shape, generator=generator).to(means.device)
    return share * means + (1 - share) * partners + (log_variances / 2).exp() * noise


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
        term of the loss per epoch.

    Raises:
        InputError: a value is NaN or infinite, no row is usable, or training diverged.
    """
    check_training_rows(features)
    usable = (labels != NO_LABEL) & np.any(list(features.available.values()), axis=0)
    if not usable.any():
        raise InputError("no training row has both a label and a modality; a GAN needs some")
    if not usable.all():
        logging.info("%d rows without label or modality are left out", (~usable).sum())
    order = np.flatnonzero(usable)[np.argsort(labels[usable], kind="stable")]
    device = choose_device(settings["device"])
    rows, masks, numbers = _to_tensors(features.take(order), labels[order], device)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        widths = {name: value.shape[1] for name, value in rows.items()}
        sizes = (settings["latent_size"], settings["hidden_size"])
        gan = Gan(widths, classes, len(order), *sizes).to(device)
        critics = Critics(widths, classes, settings["hidden_size"]).to(device)
    training = Training(gan, critics, settings, generator)
    history = []
    batches = _draw_batches(numbers, classes, settings["batch_size"], generator)
    for epoch in progress(range(1, settings["epochs"] + 1), settings["epochs"], "epochs"):
        totals = torch.zeros(len(QUANTITIES), device=device)
        count = 0
        for batch in next(batches):
            part = {name: value[batch] for name, value in rows.items()}
            mask = {name: value[batch] for name, value in masks.items()}
            totals += training.step(part, mask, numbers[batch])
            count += 1
        values = (totals / count).tolist()
        if not np.isfinite(values).all():
            raise InputError(
                f"the GAN diverged in epoch {epoch}; expected a smaller "
                "oversample.gan.learning_rate"
            )
        history += [(epoch, "train", *pair) for pair in zip(QUANTITIES, values, strict=True)]
    gan = training.average.module.cpu().eval()
    _remember(gan, {name: value.cpu() for name, value in rows.items()}, masks, numbers.cpu())
    frame = pd.DataFrame(history, columns=["epoch", "split", "quantity", "value"])
    return gan, frame


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

    def step(self, rows: dict, masks: dict, labels: Tensor) -> Tensor:
        """One update of the critics, then one of encoder and generators, on B rows.

        Returns:
            The `QUANTITIES`, [5].
        """
        mean, log_variance = self.gan.encoder(rows, masks, labels)  # [B, latent]
        noise = torch.randn(mean.shape, generator=self.random).to(mean.device)
        own = mean + (log_variance / 2).exp() * noise
        partners = mean[partner_rows(labels, self.random)]
        mixed = mix_latents(mean, log_variance, partners, self.random)
        # Both kinds of latent in one pass: [2B, latent] -> modality -> [2B, width]
        both = self.gan.generate(torch.cat([own, mixed]), labels.repeat(2))
        count = len(labels)
        again = {name: value[:count] for name, value in both.items()}
        fakes = {name: value[count:] * masks[name] for name, value in both.items()}
        judged = torch.cat([*masks.values(), torch.ones_like(masks[next(iter(masks))])], dim=1)

        critic = self._update_critics(rows, fakes, masks, judged, labels)

        self.critics.requires_grad_(False)
        scores, logits = self.critics(fakes, masks, labels)
        self.critics.requires_grad_(True)
        adversarial = -masked_mean(scores, judged)
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

    def _update_critics(
        self, rows: dict, fakes: dict, masks: dict, judged: Tensor, labels: Tensor
    ) -> Tensor:
        # Real and generated rows in one pass: [2B, ...]
        both = {name: torch.cat([rows[name], fakes[name].detach()]) for name in rows}
        twice = {name: mask.repeat(2, 1) for name, mask in masks.items()}
        scores, logits = self.critics(both, twice, labels.repeat(2))  # [2B, M + 1]
        real, fake = scores.chunk(2)
        critic = masked_mean(F.relu(1 - real), judged) + masked_mean(F.relu(1 + fake), judged)
        # The classifier learns from real rows alone; generators must meet it, not teach it.
        loss = critic + F.cross_entropy(logits[: len(labels)], labels)
        self.critic_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.critic_optimizer.step()
        return critic


def masked_mean(scores: Tensor, masks: Tensor) -> Tensor:
    """Mean over rows that a critic may judge, then over critics: [B, C], [B, C] -> scalar.

    A critic without such a row in the batch counts as 0.
    """
    return ((scores * masks).sum(dim=0) / masks.sum(dim=0).clamp(min=1)).mean()


def identity_loss(
    again: Mapping[str, Tensor], rows: Mapping[str, Tensor], masks: Mapping
) -> Tensor:
    """Huber loss between rows and themselves after encoding and generation: scalar.

    Mean over a modality's width, its available rows, and the modalities.
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
    keys = labels.cpu().double() + 0.5 * torch.rand(len(labels), generator=generator).double()
    order = keys.argsort().to(labels.device)
    ordered = labels[order]
    first = torch.searchsorted(ordered, ordered)
    follows = torch.arange(1, len(labels) + 1, device=labels.device)
    last = torch.searchsorted(ordered, ordered, right=True) == follows
    partners = torch.empty_like(order)
    partners[order] = order[torch.where(last, first, follows)]
    return partners


def load_gan(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> Gan:
    """Rebuild a GAN from its tensors and what `Gan.describe` said of it."""
    widths = dict(zip(metadata["modalities"], metadata["widths"], strict=True))
    gan = Gan(widths, **metadata["sizes"])
    gan.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    return gan.eval()


@torch.no_grad()
def sample_gan(gan: Gan, labels: np.ndarray, seed: int) -> FeatureSet:
    """Make one row of each wanted class.

    Every training row of the class serves as base equally often, give or take one; partners are
    drawn evenly from the class. Values stay in the range of the training rows.

    Args:
        labels: classes of the rows to make, int64 [S].
        seed: of every draw.

    Returns:
        S rows in the order of ``labels``, with the modalities of their base rows.

    Raises:
        InputError: a class is wanted that the GAN has seen no row of.
    """
    draw = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    known = gan.labels.numpy()
    bases = np.zeros(len(labels), dtype=np.int64)
    partners = np.zeros(len(labels), dtype=np.int64)
    for number in np.unique(labels):
        own = np.flatnonzero(known == number)
        places = np.flatnonzero(labels == number)
        if not len(own):
            raise InputError(f"class number {number}: the GAN has seen no training row of it")
        rounds = -(-len(places) // len(own))
        cycle = np.concatenate([draw.permutation(own) for _ in range(rounds)])
        bases[places] = cycle[: len(places)]
        partners[places] = draw.choice(own, len(places))
    latent = mix_latents(gan.means[bases], gan.log_variances[bases], gan.means[partners], generator)
    classes = torch.from_numpy(np.asarray(labels, dtype=np.int64))
    masks = gan.masks[bases]
    values, available = {}, {}
    for position, (name, layers) in enumerate(gan.generators.items()):
        mask = masks[:, position]
        low, high = getattr(gan, f"low_{name}"), getattr(gan, f"high_{name}")
        value = torch.zeros(len(labels), len(low))
        for start in range(0, len(labels), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            made = layers(latent[part], classes[part])
            value[part] = made.clamp(low, high) * mask[part, None]
        values[name], available[name] = value.numpy(), mask.numpy()
    ids = np.array([f"sample/{number}" for number in range(len(labels))], dtype=object)
    return FeatureSet(ids, values, available)


def _to_tensors(features: FeatureSet, labels: np.ndarray, device: str) -> tuple:
    rows = {name: torch.from_numpy(m).to(device) for name, m in features.values.items()}
    masks = {
        name: torch.from_numpy(mask[:, None].astype(np.float32)).to(device)
        for name, mask in features.available.items()
    }
    return rows, masks, torch.from_numpy(labels).to(device)


def _draw_batches(
    labels: Tensor, classes: int, batch_size: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, ...]]:
    """One epoch's batches after another: as many rows as there are, scarce classes more often."""
    counts = torch.bincount(labels.cpu(), minlength=classes)
    weights = counts[labels.cpu()].double().rsqrt()
    while True:
        drawn = torch.multinomial(weights, len(labels), replacement=True, generator=generator)
        yield drawn.to(labels.device).split(batch_size)


@torch.no_grad()
def _remember(gan: Gan, rows: dict, masks: dict, labels: Tensor) -> None:
    """Store posteriors, classes, masks and value ranges of the training rows."""
    masks = {name: mask.cpu() for name, mask in masks.items()}
    for start in range(0, len(labels), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        gan.means[part], gan.log_variances[part] = gan.encoder(
            {name: value[part] for name, value in rows.items()},
            {name: value[part] for name, value in masks.items()},
            labels[part],
        )
    gan.labels.copy_(labels)
    gan.masks.copy_(torch.cat(list(masks.values()), dim=1).bool())
    for name, value in rows.items():
        present = value[masks[name][:, 0] > 0]
        if len(present):
            getattr(gan, f"low_{name}").copy_(present.amin(dim=0))
            getattr(gan, f"high_{name}").copy_(present.amax(dim=0))
