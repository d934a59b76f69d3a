"""Training the graph network."""

import logging
from collections import defaultdict
from collections.abc import Mapping

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from cberl.errors import InputError
from cberl.fitting.epochs import Plan, run_epochs
from cberl.fitting.f1 import f1_scores
from cberl.fitting.terms import log_prior
from cberl.graph.conversations import Conversations, DialogueBatch
from cberl.rows import NO_LABEL
from cberl.seeding import choose_device, reproducible
from cberl.train.adjustment import ADJUSTMENTS, choose_adjustment
from cberl.train.loss import LOSSES, ClassCounts, deferred_epoch, loss_of_epoch
from cberl.train.network import ConversationNetwork
from cberl.train.sampling import SAMPLINGS, class_table, dialogue_weights, draw_dialogues
from cberl.train.settings import TrainSettings

LARGEST_GRADIENT = 1.0


def fit_classifier(
    train: Conversations,
    dev: Conversations,
    settings: TrainSettings,
    loss: str = "cross_entropy",
    dialogue_sampling: str = "uniform",
    mask_weight: float = 0.0,
    adjustment: str = "none",
    seed: int = 0,
    device: str = "auto",
) -> tuple[ConversationNetwork, pd.DataFrame]:
    """Train classification and masked-node reconstruction together.

    The weights of the epoch with the best dev macro-F1 are kept. Where a network starts from what
    encoders know, and learns by cross-entropy, it is the epoch of the lowest dev cross-entropy, the
    start among them: the network cannot lose to its encoders there, and a macro-F1 that hangs on a
    handful of rows would often choose a later one that has fitted training rows too well. A loss
    that changes on the way (LDAM) has its patience counted anew from the change on. On a CPU, the
    same seed gives the same network; on a GPU, half precision is used where it is safe.

    Args:
        train: training dialogues, real and synthetic, with labels and classes.
        dev: dev dialogues, likewise.
        loss: a name in `cberl.train.loss.LOSSES`.
        dialogue_sampling: see `cberl.train.sampling.dialogue_weights`.
        mask_weight: weight of the reconstruction; 0 leaves the task out.
        adjustment: a name in `cberl.train.adjustment.ADJUSTMENTS`: whether logits are adjusted for
            class frequencies and tempered after training, as dev has it.
        seed: of weights, order, dropout and masks.
        device: auto, cpu or cuda.

    Returns:
        The network on the CPU, in evaluation mode, and its history (table HISTORY).

    Raises:
        InputError: a name is unknown, train or dev has no labelled utterance, or the loss stops
            being a number.
    """
    for name, conversations in (("train", train), ("dev", dev)):
        if not conversations.labelled.any():
            raise InputError(f"split {name} has no labelled utterance; expected at least one")
    for what, name, known in (
        ("loss", loss, LOSSES),
        ("dialogue_sampling", dialogue_sampling, SAMPLINGS),
        ("adjustment", adjustment, ADJUSTMENTS),
    ):
        if name not in known:
            raise InputError(f"{what} is {name!r}; expected one of {', '.join(known)}")
    starts_from_evidence = train.evidence is not None and loss == "cross_entropy"
    with reproducible(seed):
        training = ClassifierTraining(
            train, dev, settings, loss, dialogue_sampling, mask_weight, choose_device(device)
        )
        plan = Plan(
            "train",
            settings.epochs,
            quantity="loss" if starts_from_evidence else "macro_f1",
            largest=not starts_from_evidence,
            patience=settings.patience,
            start=starts_from_evidence,
            settled=deferred_epoch(loss, settings.epochs),
        )
        history = run_epochs(training, plan)
        if adjustment == "chosen":
            training.adjust()
    return training.network.cpu().eval(), history


class ClassifierTraining:
    """A graph network in training."""

    def __init__(
        self,
        train: Conversations,
        dev: Conversations,
        settings: TrainSettings,
        loss: str,
        dialogue_sampling: str,
        mask_weight: float,
        device: str,
    ) -> None:
        self.settings, self._loss, self._mask_weight = settings, loss, mask_weight
        network = ConversationNetwork(
            input_size=train.inputs.shape[1],
            classes=len(train.classes),
            hidden_size=settings.hidden_size,
            graph_layers=settings.graph_layers,
            dropout=settings.dropout,
            online=train.online,
            cosine_head=loss == "ldam",
            evidence=train.evidence,
        )
        self._sampling = dialogue_sampling
        self._weights = dialogue_weights(train, len(train.classes), dialogue_sampling)
        real = class_table(train, len(train.classes), real_only=True).sum(dim=0)
        drawn = self._weights @ class_table(train, len(train.classes))  # [C]
        network.correction[drawn == 0] = -torch.inf
        for number in torch.nonzero(drawn == 0).flatten().tolist():
            logging.warning("%s has no training row: it is never predicted", train.classes[number])
        self._counts = ClassCounts(drawn.to(device), real.to(device))
        self.network = network.to(device)
        self._train, self._dev, self._device = train.to(device), dev.to(device), device
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._scaler = torch.amp.GradScaler(device, enabled=device != "cpu")

    def run_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the dialogues; the mean of each part of the loss."""
        order = draw_dialogues(self._weights, self._sampling).to(self._device)
        self.network.train()
        sums: dict[str, Tensor | float] = defaultdict(float)
        batches = order.split(self.settings.batch_dialogues)
        for dialogues in batches:
            for name, value in self.step(self._train.select(dialogues), epoch).items():
                sums[name] += value.detach()
        return {name: float(value) / len(batches) for name, value in sums.items()}

    def step(self, batch: DialogueBatch, epoch: int) -> dict[str, Tensor]:
        """One update on some dialogues; the parts of the loss."""
        with torch.autocast(self._device, enabled=self._scaler.is_enabled()):
            parts = self._losses(batch, epoch)
        self.optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(parts["loss"]).backward()
        self._scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return parts

    def _losses(self, batch: DialogueBatch, epoch: int) -> dict[str, Tensor]:
        parts = {}
        if self._mask_weight:
            logits, parts["reconstruction"] = self.network.classify_and_reconstruct(
                *batch.graph, self.settings.mask_rate
            )
        else:
            logits = self.network(*batch.graph)
        logits, labelled = logits.float(), batch.labels != NO_LABEL
        if labelled.any():
            loss = loss_of_epoch(self._loss, epoch, self.settings.epochs)
            parts["classification"] = loss(logits[labelled], batch.labels[labelled], self._counts)
        else:
            parts["classification"] = logits.sum() * 0
        weighted = self._mask_weight * parts.get("reconstruction", 0)
        return {"loss": parts["classification"] + weighted, **parts}

    @torch.no_grad()
    def score(self) -> Mapping[str, float]:
        """Macro-F1, weighted F1 and plain cross-entropy on the labelled rows of dev."""
        labels, logits = self._labelled_logits()
        predicted = (logits + self.network.correction).argmax(dim=1)
        macro, weighted = f1_scores(labels, predicted, len(self._dev.classes))
        loss = float(functional.cross_entropy(logits, labels))
        return {"macro_f1": macro, "weighted_f1": weighted, "loss": loss}

    @torch.no_grad()
    def adjust(self) -> None:
        """Choose the last step on dev, and put it into the network."""
        labels, logits = self._labelled_logits()
        dialogues = torch.repeat_interleave(self._dev.lengths)[self._dev.labelled]
        prior = log_prior(self._counts.drawn)
        logits = logits + self.network.correction
        self.network.adjust(
            choose_adjustment(*(t.cpu() for t in (logits, labels, dialogues, prior))), prior
        )

    def _labelled_logits(self) -> tuple[Tensor, Tensor]:
        """Labels int64 [n] and logits [n, C] of the labelled rows of dev."""
        self.network.eval()
        batch, labelled = self._dev.whole(), self._dev.labelled
        logits = self.network(*batch.graph)
        return batch.labels[labelled], logits[labelled]
