"""Training the graph network."""

import logging
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from cberl.corpus.labels import NO_LABEL
from cberl.errors import InputError
from cberl.graph.conversations import Batch, Conversations
from cberl.log import progress
from cberl.seeding import choose_device, seed_everything
from cberl.train.f1 import f1_scores
from cberl.train.loss import ClassCounts, Loss, deferred_epoch, loss_of_epoch
from cberl.train.network import ConversationNetwork
from cberl.train.sampling import class_table, dialogue_weights, draw_dialogues

LARGEST_GRADIENT = 1.0
ADJUSTMENTS = tuple(number / 10 for number in sorted(range(-10, 11), key=abs))
"""Strengths of the post-hoc adjustment to choose from: 0 leaves the logits alone, 1 makes up for
the frequencies in full, less than 0 takes back what sampling made up for too much."""


def train_gnn(
    train: Conversations,
    dev: Conversations,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[ConversationNetwork, pd.DataFrame]:
    """Train classification and masked-node reconstruction together.

    The weights of the epoch with the best dev macro-F1 are kept. A loss that changes on the way
    (LDAM) has its patience counted anew from the change on. On a CPU, the same seed gives the
    same network; on a GPU, half precision is used where it is safe.

    Args:
        train: training dialogues, real and synthetic.
        dev: dev dialogues.
        classes: names by number.
        settings: section ``train`` of the configuration, the variant's row, and ``device``.
        seed: of weights, order, dropout and masks.

    Returns:
        the network on the CPU, in evaluation mode, and its history (table HISTORY).

    Raises:
        InputError: train or dev has no labelled utterance, or the loss stops being a number.
    """
    for name, conversations in (("train", train), ("dev", dev)):
        if not (conversations.labels != NO_LABEL).any():
            raise InputError(f"split {name} has no labelled utterance; expected at least one")
    seed_everything(seed)
    device = choose_device(settings["device"])
    network = ConversationNetwork(
        input_size=train.inputs.shape[1],
        class_count=len(classes),
        hidden_size=settings["hidden_size"],
        graph_layers=settings["graph_layers"],
        dropout=settings["dropout"],
        online=train.online,
        cosine_head=settings["loss"] == "ldam",
    )
    real = class_table(train, len(classes), real_only=True).sum(dim=0)
    weights = dialogue_weights(train, len(classes), settings["dialogue_sampling"])
    drawn = weights @ class_table(train, len(classes))  # [C]
    network.correction[drawn == 0] = -torch.inf
    for number in torch.nonzero(drawn == 0).flatten().tolist():
        logging.warning("%s has no training row: it is never predicted", classes[number])
    counts = ClassCounts(drawn.to(device), real.to(device))
    network, train, dev = network.to(device), train.to(device), dev.to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=settings["learning_rate"],
        weight_decay=settings["weight_decay"],
        fused=True,
    )
    scaler = torch.amp.GradScaler(device, enabled=device != "cpu")
    deferred = deferred_epoch(settings["loss"], settings["epochs"])
    history, best_score, best_epoch, best_state = [], -1.0, 0, {}
    for epoch in progress(range(1, settings["epochs"] + 1), settings["epochs"], "epochs"):
        loss = loss_of_epoch(settings["loss"], epoch, settings["epochs"])
        order = draw_dialogues(weights, settings["dialogue_sampling"]).to(device)
        trained = train_epoch(network, train, order, loss, counts, optimizer, scaler, settings)
        if not math.isfinite(trained["loss"]):
            raise InputError(
                f"train: the loss is not finite in epoch {epoch}; expected a lower learning_rate"
            )
        judged = judge(network, dev, len(classes))
        history += [(epoch, "train", name, value) for name, value in trained.items()]
        history += [(epoch, "dev", name, value) for name, value in judged.items()]
        if judged["macro_f1"] > best_score:
            best_score, best_epoch = judged["macro_f1"], epoch
            best_state = {name: value.clone() for name, value in network.state_dict().items()}
        if epoch - max(best_epoch, deferred) >= settings["patience"]:
            break
    network.load_state_dict(best_state)
    logging.info("epoch %d has the best dev macro-F1, %.4f", best_epoch, best_score)
    if settings["loss"] == "post_hoc_adjustment":
        network.correction -= choose_adjustment(network, dev, counts.drawn)
    return network.cpu().eval(), pd.DataFrame(
        history, columns=["epoch", "split", "quantity", "value"]
    )


def train_epoch(
    network: ConversationNetwork,
    train: Conversations,
    order: Tensor,
    loss: Loss,
    counts: ClassCounts,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    settings: Mapping[str, Any],
) -> dict[str, float]:
    """One pass over the dialogues in ``order`` (int64 [G]); the mean of each part of the loss."""
    network.train()
    sums: dict[str, Tensor | float] = defaultdict(float)
    batches = order.split(settings["batch_dialogues"])
    for dialogues in batches:
        batch = train.select(dialogues)
        with torch.autocast(order.device.type, enabled=scaler.is_enabled()):
            parts = _losses(network, batch, loss, counts, settings)
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(parts["loss"]).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        scaler.step(optimizer)
        scaler.update()
        for name, value in parts.items():
            sums[name] += value.detach()
    return {name: float(value) / len(batches) for name, value in sums.items()}


@torch.no_grad()
def judge(network: ConversationNetwork, dev: Conversations, classes: int) -> dict[str, float]:
    """Macro-F1, weighted F1 and plain cross-entropy on the labelled rows of a split."""
    network.eval()
    batch = dev.whole()
    labelled = batch.labels != NO_LABEL
    logits = network(batch.inputs, batch.lengths, batch.edge_index, batch.edge_type)[labelled]
    labels = batch.labels[labelled]
    predicted = (logits + network.correction).argmax(dim=1)
    macro, weighted = f1_scores(labels, predicted, classes)
    loss = float(cross_entropy(logits, labels))
    return {"macro_f1": macro, "weighted_f1": weighted, "loss": loss}


@torch.no_grad()
def choose_adjustment(network: ConversationNetwork, dev: Conversations, drawn: Tensor) -> Tensor:
    """What to take from the logits so that rare classes are not drowned: float [C].

    t log pi with the class frequencies pi of the training rows and the t of `ADJUSTMENTS` that has
    the best dev macro-F1, of equals the one nearest to 0 (Menon et al., Long-tail Learning via
    Logit Adjustment, ICLR 2021, section 4.1: post-hoc adjustment, its temperature tuned).
    """
    network.eval()
    batch = dev.whole()
    labelled = batch.labels != NO_LABEL
    logits = network.decide(batch.inputs, batch.lengths, batch.edge_index, batch.edge_type)
    log_frequencies = torch.log(drawn.clamp(min=0.5) / drawn.sum())
    scores = [
        f1_scores(
            batch.labels[labelled],
            (logits - strength * log_frequencies)[labelled].argmax(dim=1),
            len(drawn),
        )[0]
        for strength in ADJUSTMENTS
    ]
    strength = ADJUSTMENTS[int(np.argmax(scores))]
    logging.info("adjustment %.1f has the best dev macro-F1, %.4f", strength, max(scores))
    return strength * log_frequencies


def _losses(
    network: ConversationNetwork,
    batch: Batch,
    loss: Loss,
    counts: ClassCounts,
    settings: Mapping[str, Any],
) -> dict[str, Tensor]:
    graph = (batch.inputs, batch.lengths, batch.edge_index, batch.edge_type)
    parts = {}
    if settings["mask_weight"]:
        rate = settings["mask_rate"]
        logits, parts["reconstruction"] = network.classify_and_reconstruct(*graph, rate)
    else:
        logits = network(*graph)
    logits, labelled = logits.float(), batch.labels != NO_LABEL
    if labelled.any():
        parts["classification"] = loss(logits[labelled], batch.labels[labelled], counts)
    else:
        parts["classification"] = logits.sum() * 0
    weighted = settings["mask_weight"] * parts.get("reconstruction", 0)
    return {"loss": parts["classification"] + weighted, **parts}
