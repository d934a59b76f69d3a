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


@torch.no_grad()
def sample_gan(
    gan: GANNetwork, train: LabelledRows, wanted_labels: np.ndarray, seed: int
) -> LabelledRows:
    """Make one row of each wanted class.

    Every training row of a class serves as base equally often, give or take one; its partner is
    drawn evenly from the others. A class with a single row has no partner: the row moves only by
    its posterior's noise. Values stay in the range of the training rows.

    Args:
        gan: fitted on these rows.
        train: training rows, N of them.
        wanted_labels: classes of the rows to make, int64 [S].
        seed: of every draw.

    Returns:
        S rows in the order of ``wanted_labels``, with the modalities of their base rows.

    Raises:
        InputError: a wanted class has no row with a modality.
    """
    train = train.take(usable_rows(train))
    wanted_labels = np.asarray(wanted_labels, dtype=np.int64)
    means, log_variances = _encode(gan, train)  # [N, latent]
    bases, partners = _draw_pairs(train.labels, wanted_labels, np.random.default_rng(seed))
    wanted = torch.from_numpy(wanted_labels)
    centres = class_centres(means, torch.from_numpy(train.labels), gan.classes)[wanted]
    generator = torch.Generator().manual_seed(seed)
    latent = mix_latents(means[bases], log_variances[bases], means[partners], centres, generator)
    values, available = {}, {}
    for name, layers in gan.generators.items():
        rows, mask = train.values[name], train.available[name]
        made = np.zeros((len(bases), rows.shape[1]), dtype=np.float32)
        if mask.any():
            low, high = rows[mask].min(axis=0), rows[mask].max(axis=0)
            for start in range(0, len(bases), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                change = layers(latent[part], wanted[part]) - layers(
                    means[bases[part]], wanted[part]
                )
                made[part] = np.clip(rows[bases[part]] + change.numpy(), low, high)
            made[~mask[bases]] = 0
        values[name], available[name] = made, mask[bases]
    ids = np.array([f"sample/{number}" for number in range(len(bases))], dtype=object)
    return LabelledRows(ids, values, available, wanted_labels, train.classes)


def _encode(gan: GANNetwork, rows: LabelledRows) -> tuple[Tensor, Tensor]:
    """Posterior means and log-variances of N rows, each [N, latent_size]."""
    parts = []
    for start in range(0, max(len(rows), 1), ROWS_AT_ONCE):
        part = rows.take(slice(start, start + ROWS_AT_ONCE))
        parts.append(gan.encoder(*to_tensors(part)))
    means, log_variances = zip(*parts, strict=True)
    return torch.cat(means), torch.cat(log_variances)


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
