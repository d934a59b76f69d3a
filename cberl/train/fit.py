"""Training the graph network."""

import logging
from collections import defaultdict
from collections.abc import Mapping

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from cberl.errors import InputError
from cberl.fitting.checkpoint import Checkpoint
from cberl.fitting.dev_f1 import f1_scores
from cberl.fitting.epochs import Plan, run_epochs
from cberl.fitting.terms import log_prior
from cberl.graph.conversations import Conversations, DialogueBatch
from cberl.rows import NO_LABEL
from cberl.seeding import choose_device, reproducible
from cberl.train.adjustment import ADJUSTMENTS, USUAL_STRENGTH, choose_adjustment
from cberl.train.loss import LOSSES, SECOND_PARTS, ClassCounts
from cberl.train.network import ConversationNetwork
from cberl.train.resampling import gain_over, resampled_macro_f1
from cberl.train.sampling import SAMPLINGS, class_table, dialogue_weights, draw_dialogues
from cberl.train.settings import EPOCHS_AVERAGED, TrainSettings

LARGEST_GRADIENT = 1.0
SYNTHETIC_ROWS = ("all", "chosen")


def fit_classifier(
    train: Conversations,
    dev: Conversations,
    settings: TrainSettings,
    loss: str = "cross_entropy",
    dialogue_sampling: str = "uniform",
    mask_weight: float = 0.0,
    adjustment: str = "none",
    synthetic_rows: str = "all",
    seed: int = 0,
    device: str = "auto",
    checkpoint: Checkpoint | None = None,
) -> tuple[ConversationNetwork, pd.DataFrame]:
    """Train classification and masked-node reconstruction together.

    The weights of the epoch with the best dev macro-F1 are kept; an epoch's macro-F1 is the mean of
    five around it. Where a network starts from what encoders know, and learns by cross-entropy, it
    is the epoch of the lowest dev cross-entropy, the start among them: the network cannot lose to
    its encoders there, and a macro-F1 that hangs on a handful of rows would often choose a later
    one that has fitted training rows too well. A loss of two parts (LDAM) begins the second when
    dev no longer improves, with patience counted anew. On a CPU, the same seed gives the same
    network; on a GPU, half precision is used where it is safe.

    Args:
        train: training dialogues, real and synthetic, with labels and classes.
        dev: dev dialogues, likewise.
        loss: a name in `cberl.train.loss.LOSSES`.
        dialogue_sampling: see `cberl.train.sampling.dialogue_weights`.
        mask_weight: weight of the reconstruction; 0 leaves the task out.
        adjustment: a name in `cberl.train.adjustment.ADJUSTMENTS`: whether logits are adjusted for
            class frequencies after training, as dev has it. The temperature is always chosen.
        synthetic_rows: "all" trains on them. "chosen" trains with and without, and uses them if
            dev macro-F1 gains more by them than one standard error (paired bootstrap by dialogue).
        seed: of weights, order, dropout and masks.
        device: auto, cpu or cuda.
        checkpoint: where the training is saved and continued from; None: nowhere.

    Returns:
        The network on the CPU, in evaluation mode, and its history (table HISTORY).

    Raises:
        InputError: a name is unknown, train or dev has no labelled utterance, dev has other classes
            or widths, or the loss stops being a number.
    """
    for name, conversations in (("train", train), ("dev", dev)):
        if not conversations.labelled.any():
            raise InputError(f"split {name} has no labelled utterance; expected at least one")
    if dev.classes != train.classes:
        raise InputError(f"dev has classes {dev.classes}; expected those of train, {train.classes}")
    widths = [conversations.inputs.shape[1] for conversations in (train, dev)]
    if widths[0] != widths[1]:
        raise InputError(f"dev has latents of width {widths[1]}; expected {widths[0]}, as train")
    for what, name, known in (
        ("loss", loss, LOSSES),
        ("dialogue_sampling", dialogue_sampling, SAMPLINGS),
        ("adjustment", adjustment, ADJUSTMENTS),
        ("synthetic_rows", synthetic_rows, SYNTHETIC_ROWS),
    ):
        if name not in known:
            raise InputError(f"{what} is {name!r}; expected one of {', '.join(known)}")

    def run(
        rows: Conversations, kept: Checkpoint | None
    ) -> tuple[ClassifierTraining, pd.DataFrame]:
        with reproducible(seed):
            training = ClassifierTraining(
                rows, dev, settings, loss, dialogue_sampling, mask_weight, choose_device(device)
            )
            history = run_epochs(training, training.plan, kept)
            training.adjust(adjustment)
        return training, history

    training, history = run(train, checkpoint)
    if synthetic_rows == "chosen" and train.is_synthetic.any():
        without, its_history = run(
            train.recorded(), checkpoint.named("recorded") if checkpoint else None
        )
        gain, error = training.gain_over(without)
        used = gain > error
        logging.info(
            "synthetic rows: %+.4f macro-F1 on dev (standard error %.4f); %s",
            *(gain, error, "they are used" if used else "beyond chance none helps: none is used"),
        )
        training, history = (training, history) if used else (without, its_history)
        choice = {"used": used, "gain": gain, "gain_error": error}
        training.network.facts["synthetic_rows"] = choice
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
        self._criterion = LOSSES[loss]
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

    @property
    def plan(self) -> Plan:
        """How long to train, and which epoch to keep; see `fit_classifier`."""
        from_evidence = self._train.evidence is not None and self._loss == "cross_entropy"
        return Plan(
            "train",
            self.settings.epochs,
            quantity="loss" if from_evidence else "macro_f1",
            largest=not from_evidence,
            window=1 if from_evidence else EPOCHS_AVERAGED,
            patience=self.settings.patience,
            start=from_evidence,
            second_part=self._begin_second_part,
        )

    def _begin_second_part(self) -> bool:
        """Begin the second part of the loss, once; False if there is none left."""
        second = SECOND_PARTS.get(self._loss, self._criterion)
        changed, self._criterion = second is not self._criterion, second
        return changed

    def run_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the dialogues; the mean of each part of the loss."""
        order = draw_dialogues(self._weights, self._sampling).to(self._device)
        self.network.train()
        sums: dict[str, Tensor | float] = defaultdict(float)
        batches = order.split(self.settings.batch_dialogues)
        for dialogues in batches:
            for name, value in self.step(self._train.select(dialogues)).items():
                sums[name] += value.detach()
        return {name: float(value) / len(batches) for name, value in sums.items()}

    def step(self, batch: DialogueBatch) -> dict[str, Tensor]:
        """One update on some dialogues; the parts of the loss."""
        with torch.autocast(self._device, enabled=self._scaler.is_enabled()):
            parts = self._losses(batch)
        self.optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(parts["loss"]).backward()
        self._scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return parts

    def _losses(self, batch: DialogueBatch) -> dict[str, Tensor]:
        parts = {}
        if self._mask_weight:
            logits, parts["reconstruction"] = self.network.classify_and_reconstruct(
                *batch.graph, self.settings.mask_rate
            )
        else:
            logits = self.network(*batch.graph)
        logits = logits.float()
        # Asked for once: a GPU is waited for.
        labelled = (batch.labels != NO_LABEL).nonzero()[:, 0]
        if len(labelled):
            parts["classification"] = self._criterion(
                logits[labelled], batch.labels[labelled], self._counts
            )
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
    def adjust(self, adjustment: str) -> None:
        """Choose the last step, and put it into the network.

        Args:
            adjustment: a name in `cberl.train.adjustment.ADJUSTMENTS`.
        """
        labels, logits = self._labelled_logits()
        parts = [(logits, labels, self._dialogues())]
        if self._encoders_stand_for_network():
            parts.append(self._out_of_fold())
        logits, labels, dialogues = (
            torch.cat([one.cpu() for one in several]) for several in zip(*parts, strict=True)
        )
        prior = log_prior(self._counts.drawn)
        logits = logits + self.network.correction.cpu()
        # Other losses lean towards rare classes by themselves.
        usual = USUAL_STRENGTH if self._loss == "cross_entropy" else 0.0
        strengths = ADJUSTMENTS[adjustment]
        found = choose_adjustment(logits, labels, dialogues, prior.cpu(), strengths, usual)
        self.network.adjust(found, prior)

    def _encoders_stand_for_network(self) -> bool:
        """Whether training rows can help to choose the last step.

        The network's own logits for them are fitted to their labels. What it starts from, the
        encoders' log-probabilities, is not, and leans towards frequent classes as the network does
        unless loss, sampling or synthetic rows lean against it.
        """
        plain = self._loss == "cross_entropy" and self._sampling == "uniform"
        return plain and self._train.evidence is not None and not self._train.is_synthetic.any()

    def _out_of_fold(self) -> tuple[Tensor, Tensor, Tensor]:
        """Encoders' share of the logits [n, C], labels [n] and dialogues [n] of training rows."""
        labelled = self._train.labelled
        dialogues = torch.repeat_interleave(self._train.lengths)[labelled] + len(self._dev.lengths)
        logits = self.network.from_encoders(self._train.inputs[labelled])
        return logits, self._train.labels[labelled], dialogues

    @torch.no_grad()
    def gain_over(self, other: "ClassifierTraining") -> tuple[float, float]:
        """Dev macro-F1 of this network less the other's, and its standard error."""
        predictions = []
        for training in (self, other):
            labels, logits = training._labelled_logits()
            predictions.append((logits + training.network.correction).argmax(dim=1).cpu())
        classes = len(self._dev.classes)
        scores = resampled_macro_f1(predictions, labels.cpu(), self._dialogues(), classes)
        return gain_over(*scores)

    def _dialogues(self) -> Tensor:
        """Number of each labelled dev row's dialogue: int64 [n]."""
        dialogues = torch.repeat_interleave(self._dev.lengths)
        return dialogues[self._dev.labelled].cpu()

    def _labelled_logits(self) -> tuple[Tensor, Tensor]:
        """Labels int64 [n] and logits [n, C] of the labelled rows of dev."""
        self.network.eval()
        batch, labelled = self._dev.whole(), self._dev.labelled
        logits = self.network(*batch.graph)
        return batch.labels[labelled], logits[labelled]
