"""Drawing new rows from the multimodal GAN.

To make a new row of a class y, a real base row x_i and a real partner x_j of that class meet in the
latent space, and what the latent does not explain of the base row is carried over:

    z' = c + sqrt(1 - s) (mu_i - c) + sqrt(s) (mu_j - c) + sigma_i * e
    x' = x_i + G(z', y) - G(mu_i, y)

with c the mean of the class's mu, s uniform on [1/2, 1] and e standard normal. The square roots
keep the spread of the class, which interpolation as in SMOTE and DeepSMOTE (Dablain et al. 2022)
shrinks: for independent rows Cov(z') is Cov(mu) whatever s is. That a row is changed by a
difference of two generated ones is the idea of the Delta-encoder (Schwartz et al. 2018) and of
data augmentation GANs (Antoniou et al. 2017); it makes the identity exact (z' = mu_i gives x_i)
and spares the generators the noise of single rows, which no latent of moderate width holds.
"""

import numpy as np
import torch
from torch import Tensor

from cberl.errors import InputError
from cberl.fitting.tensors import to_tensors
from cberl.oversample.gan.network import GANNetwork
from cberl.oversample.usable import usable_rows
from cberl.row_files import RowFiles
from cberl.rows import LabelledRows

LEAST_SHARE = 0.5
"""Smallest share of a new latent's spread that comes from the partner. With less, samples are
base rows with a little noise, and a classifier learns nothing from them that it did not know."""

ROWS_AT_ONCE = 4096


def class_centres(means: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Mean of each class's latents: [B, latent_size] -> [classes, latent_size]."""
    totals = means.new_zeros(classes, means.shape[1]).index_add(0, labels, means)
    return totals / torch.bincount(labels, minlength=classes).clamp(min=1)[:, None]


def mix_latents(
    means: Tensor,
    log_variances: Tensor,
    partners: Tensor,
    centres: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Draw a new latent for each of B rows (z' above).

    Args:
        means, log_variances: posteriors of the base rows, [B, latent_size].
        partners: posterior means of their partners, [B, latent_size].
        centres: means of their classes, [B, latent_size].
        generator: on the CPU, so that the draws do not depend on the device.

    Returns:
        [B, latent_size].
    """
    share = LEAST_SHARE + (1 - LEAST_SHARE) * torch.rand((len(means), 1), generator=generator)
    noise = torch.randn(means.shape, generator=generator).to(means.device)
    share = share.to(means.device)
    own, other = means - centres, partners - centres
    spread = (log_variances / 2).exp() * noise
    return centres + (1 - share).sqrt() * own + share.sqrt() * other + spread


def sample_gan(
    gan: GANNetwork, train: LabelledRows | RowFiles, wanted_labels: np.ndarray, seed: int
) -> LabelledRows:
    """Make one row of each wanted class, all at once; see `GANSamples`.

    Returns:
        S rows in the order of ``wanted_labels``, with the modalities of their base rows.
    """
    return GANSamples(gan, train, wanted_labels, seed).take(slice(None))


class GANSamples:
    """S new rows, drawn now and made when they are taken.

    Every training row of a class serves as base equally often, give or take one; its partner is
    drawn evenly from the others. A class with a single row has no partner: the row moves only by
    its posterior's noise. Values stay in the range of the training rows. Beside latents, only
    the rows that are taken are in memory.
    """

    @torch.no_grad()
    def __init__(
        self, gan: GANNetwork, train: LabelledRows | RowFiles, wanted_labels: np.ndarray, seed: int
    ) -> None:
        """
        Args:
            gan: fitted on these rows.
            train: training rows.
            wanted_labels: classes of the rows to make, int64 [S].
            seed: of every draw.

        Raises:
            InputError: a wanted class has no row with a modality.
        """
        self._gan, self._train = gan, train.only(usable_rows(train))
        self.labels = np.asarray(wanted_labels, dtype=np.int64)
        self.classes = train.classes
        means, log_variances, self._ranges = self._read()  # [N, latent] each
        known, wanted = self._train.labels, torch.from_numpy(self.labels)
        self._bases, partners = _draw_pairs(known, self.labels, np.random.default_rng(seed))
        centres = class_centres(means, torch.from_numpy(known), gan.classes)[wanted]
        generator = torch.Generator().manual_seed(seed)
        own, variances = means[self._bases], log_variances[self._bases]
        self._own = own
        self._latent = mix_latents(own, variances, means[partners], centres, generator)

    def __len__(self) -> int:
        return len(self.labels)

    @torch.no_grad()
    def take(self, positions: slice) -> LabelledRows:
        """Make the samples at ``positions``."""
        bases = self._train.take(self._bases[positions])
        numbers = np.arange(len(self))[positions]
        values = {}
        for name, layers in self._gan.generators.items():
            values[name] = np.zeros_like(bases.values[name])
            if name not in self._ranges:
                continue
            for start in range(0, len(bases), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                rows = numbers[part]
                wanted = torch.from_numpy(self.labels[rows])
                change = layers(self._latent[rows], wanted) - layers(self._own[rows], wanted)
                made = bases.values[name][part] + change.numpy()
                values[name][part] = np.clip(made, *self._ranges[name])
            values[name][~bases.available[name]] = 0
        ids = np.array([f"sample/{number}" for number in numbers], dtype=object)
        return LabelledRows(ids, values, bases.available, self.labels[numbers], self.classes)

    def _read(self) -> tuple[Tensor, Tensor, dict[str, tuple[np.ndarray, np.ndarray]]]:
        """Posterior means and log-variances of the training rows, each [N, latent_size], and the
        range of each modality's features, two of [width]; none of a modality that no row has."""
        nothing = torch.zeros(0, self._gan.arguments["latent_size"])
        means, log_variances = [nothing], [nothing]
        ranges: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for piece in self._train.pieces():
            for start in range(0, len(piece), ROWS_AT_ONCE):
                part = piece.take(slice(start, start + ROWS_AT_ONCE))
                mean, log_variance = self._gan.encoder(*to_tensors(part))
                means.append(mean)
                log_variances.append(log_variance)
            for name, matrix in piece.values.items():
                present = matrix[piece.available[name]]
                if len(present):
                    low, high = present.min(axis=0), present.max(axis=0)
                    before = ranges.get(name, (low, high))
                    ranges[name] = np.minimum(low, before[0]), np.maximum(high, before[1])
        return torch.cat(means), torch.cat(log_variances), ranges


def _draw_pairs(
    labels: np.ndarray, wanted_labels: np.ndarray, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of a base row and a partner for each wanted row: int64 [S] each."""
    bases = np.zeros(len(wanted_labels), dtype=np.int64)
    partners = np.zeros(len(wanted_labels), dtype=np.int64)
    for number in np.unique(wanted_labels):
        own = np.flatnonzero(labels == number)
        places = np.flatnonzero(wanted_labels == number)
        if not len(own):
            raise InputError(
                f"class number {number} has no training row with a modality to sample from"
            )
        rounds = -(-len(places) // len(own))
        ranks = np.concatenate([draw.permutation(len(own)) for _ in range(rounds)])[: len(places)]
        # Any step but a whole round leads to another row; a single row has itself alone.
        steps = draw.integers(1, max(len(own), 2), len(places))
        bases[places], partners[places] = own[ranks], own[(ranks + steps) % len(own)]
    return bases, partners
