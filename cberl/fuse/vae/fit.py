"""Fitting the joint variational autoencoder, and encoding with it."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cberl.errors import InputError
from cberl.features.featureset import FeatureSet
from cberl.fuse.vae.loss import annealed, hide_modalities, log_frequencies, objective
from cberl.fuse.vae.network import JointVAE
from cberl.log import progress
from cberl.seeding import choose_device, seed_everything

ROWS_AT_ONCE = 8192
LARGEST_GRADIENT = 5.0

Rows = tuple[dict[str, Tensor], dict[str, Tensor], Tensor]
"""modality -> float32 [N, width]; modality -> bool [N], true where available; int64 [N]."""


def fit_vae(
    train: FeatureSet,
    train_labels: np.ndarray,
    dev: FeatureSet,
    dev_labels: np.ndarray,
    classes: int,
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[JointVAE, pd.DataFrame]:
    """Train the joint VAE; keep the weights of the epoch whose loss on dev is lowest.

    `cberl.fuse.vae.loss.objective` states the loss. On dev it is taken at the posterior mean,
    with nothing hidden and the divergence at its full weight, so that epochs compare; epochs in
    which that weight still rises are never the last.

    Args:
        train: recorded training rows.
        train_labels: int64 [N], -1 where unknown.
        dev: dev rows.
        dev_labels: int64 [M], -1 where unknown.
        classes: number of classes.
        settings: section ``fuse.vae`` of the configuration, and ``device``.
        seed: of weights, order and noise.

    Returns:
        the network on the CPU, in evaluation mode, and its history (table HISTORY).

    Raises:
        InputError: the loss stops being a number.
    """
    seed_everything(seed)
    device = choose_device(settings["device"])
    widths = {name: matrix.shape[1] for name, matrix in train.values.items()}
    vae = JointVAE(
        widths, classes, settings["latent_size"], settings["hidden_size"], settings["dropout"]
    ).to(device)
    rows = to_tensors(train, train_labels, device)
    dev_rows = to_tensors(dev, dev_labels, device)
    log_prior = log_frequencies(rows[2], classes)
    optimizer = make_optimizer(vae, settings)
    history, best_loss, best_epoch, best_state = [], np.inf, 0, {}
    for epoch in progress(range(1, settings["epochs"] + 1), settings["epochs"], "VAE epochs"):
        weight = annealed(settings["kl_weight"], epoch, settings["annealing_epochs"])
        trained = train_epoch(vae, rows, log_prior, optimizer, weight, settings)
        judged = _judge(vae, dev_rows, log_prior, settings)
        if not np.isfinite(trained["loss"] + judged["loss"]):
            raise InputError(
                f"fuse.vae: the loss is not finite in epoch {epoch}; expected a lower learning_rate"
            )
        history += _history_rows(epoch, "train", trained) + _history_rows(epoch, "dev", judged)
        if judged["loss"] < best_loss:
            best_loss, best_epoch = judged["loss"], epoch
            best_state = {name: value.clone() for name, value in vae.state_dict().items()}
        if epoch - max(best_epoch, settings["annealing_epochs"]) >= settings["patience"]:
            break
    vae.load_state_dict(best_state)
    logging.info("VAE: epoch %d has the lowest dev loss, %.4f", best_epoch, best_loss)
    columns = ["epoch", "split", "quantity", "value"]
    return vae.cpu().eval(), pd.DataFrame(history, columns=columns)


def load_vae(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> JointVAE:
    """Build a network again from its tensors and its `JointVAE.describe`."""
    vae = JointVAE(
        metadata["widths"],
        metadata["class_count"],
        metadata["latent_size"],
        metadata["hidden_size"],
        metadata["dropout"],
    )
    vae.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    return vae.eval()


@torch.no_grad()
def encode_vae(vae: JointVAE, features: FeatureSet) -> np.ndarray:
    """Means of the joint posterior given what each utterance has.

    Returns:
        float32 [N, Z]; zeros, the prior's mean, for an utterance with no modality at all.
    """
    vae.eval()
    pieces = [np.empty((0, vae.latent_size), dtype=np.float32)]
    for first in range(0, len(features), ROWS_AT_ONCE):
        part = features.take(np.arange(first, min(first + ROWS_AT_ONCE, len(features))))
        values, available, _ = to_tensors(part, np.empty(0, dtype=np.int64), "cpu")
        pieces.append(vae.posterior(values, available)[0].numpy())
    return np.concatenate(pieces)


def to_tensors(features: FeatureSet, labels: np.ndarray, device: str) -> Rows:
    """Values, masks and labels (int64 [N]) of N utterances as tensors on a device."""
    values = {name: torch.from_numpy(v).to(device) for name, v in features.values.items()}
    available = {name: torch.from_numpy(v).to(device) for name, v in features.available.items()}
    return values, available, torch.from_numpy(labels).to(device)


def make_optimizer(vae: JointVAE, settings: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Adam (Kingma & Ba, ICLR 2015) at ``settings["learning_rate"]``, its step in one kernel."""
    return torch.optim.Adam(vae.parameters(), lr=settings["learning_rate"], fused=True)


def train_epoch(
    vae: JointVAE,
    rows: Rows,
    log_prior: Tensor,
    optimizer: torch.optim.Optimizer,
    divergence_weight: float,
    settings: Mapping[str, Any],
) -> dict[str, float]:
    """One pass over the rows in random order; the mean of each term of the objective."""
    values, available, labels = rows
    vae.train()
    sums: dict[str, Tensor | float] = defaultdict(float)
    order = torch.randperm(len(labels)).to(labels.device)
    for positions in order.split(settings["batch_size"]):
        batch_values = {name: value[positions] for name, value in values.items()}
        batch_available = {name: mask[positions] for name, mask in available.items()}
        terms = objective(
            vae,
            batch_values,
            batch_available,
            hide_modalities(batch_available, settings["modality_dropout"]),
            labels[positions],
            log_prior,
            divergence_weight,
            settings["class_weight"],
        )
        optimizer.zero_grad(set_to_none=True)
        terms["loss"].backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), LARGEST_GRADIENT)
        optimizer.step()
        for name, value in terms.items():
            sums[name] += value.detach() * len(positions)
    return {name: float(value) / len(labels) for name, value in sums.items()}


@torch.no_grad()
def _judge(
    vae: JointVAE, rows: Rows, log_prior: Tensor, settings: Mapping[str, Any]
) -> dict[str, float]:
    values, available, labels = rows
    vae.eval()
    terms = objective(
        vae,
        values,
        available,
        available,
        labels,
        log_prior,
        settings["kl_weight"],
        settings["class_weight"],
    )
    return {name: float(value) for name, value in terms.items()}


def _history_rows(epoch: int, split: str, terms: Mapping[str, float]) -> list[tuple]:
    return [(epoch, split, name, value) for name, value in terms.items()]
