"""The loop that fine-tunes a text encoder; see `cberl.features.text.finetune`."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import distributed, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from cberl.corpus.labels import NO_LABEL
from cberl.features.text.batches import Batch, collate, encode, rows_of, split_by_count
from cberl.features.text.dialogues import Dialogues, open_turns
from cberl.features.text.transformer import Transformer, load_transformer
from cberl.features.text.turns import TokenSequence, Turns
from cberl.seeding import choose_device, seed_everything

BATCHES_PER_BUCKET = 50
LARGEST_GRADIENT = 1.0
CLASSIFIER_RATE = 10.0
"""Step size of the classifier, which starts from nothing, over that of the encoder (discriminative
fine-tuning; Howard and Ruder, ACL 2018, section 3.2)."""
DEV_BATCH = 64


@dataclass(frozen=True)
class LabelledText:
    """``labels`` int64 [N] of a split's ``utterances``, `NO_LABEL` where one does not count."""

    utterances: pd.DataFrame
    labels: np.ndarray


class TextClassifier(nn.Module):
    """An encoder with dropout and a linear layer over its pooled vector."""

    def __init__(self, encoder: nn.Module, width: int, classes: int, settings: Mapping) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(settings["dropout"])
        self.classifier = nn.Linear(width, classes)
        self._pooling, self._precision = settings["pooling"], settings["precision"]
        for name, parameter in encoder.named_parameters():
            # A pooler is not used, and a parameter without a gradient stalls a process group.
            parameter.requires_grad_("pooler" not in name)
        # Half of a small encoder, and no better for training; words that training rows lack keep
        # their place among the others (Lee et al. 2019, arXiv 1911.03090, on freezing layers).
        encoder.get_input_embeddings().requires_grad_(False)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Logits float32 [U, classes] of the utterances in a batch."""
        pooled = encode(self.encoder, batch, self._pooling, self._precision)  # [U, width]
        return self.classifier(self.dropout(pooled))


@dataclass(frozen=True)
class Share:
    """This process's place among those that share each step."""

    rank: int = 0
    processes: int = 1

    @classmethod
    def of_this_process(cls) -> "Share":
        """The place that torch.distributed gave this process; alone if it was not started."""
        if not distributed.is_initialized():
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Of N rows this process's: every ``processes``-th from ``rank`` on."""
        return rows[self.rank :: self.processes]

    def gather(self, part: np.ndarray) -> np.ndarray:
        """All processes' parts, one after the other."""
        if self.processes == 1:
            return part
        parts: list[Any] = [None] * self.processes
        distributed.all_gather_object(parts, part)
        return np.concatenate(parts)


def train_encoder(
    train: LabelledText, dev: LabelledText, classes: Sequence[str], settings: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, Any], pd.DataFrame]:
    """Train the encoder with early stopping; see `cberl.features.text.finetune.finetune_text`."""
    share = Share.of_this_process()
    device = choose_device(settings["device"])
    seed_everything(settings["seed"])
    transformer = load_transformer(settings["encoder"])
    transformer.check_length(settings["max_tokens"])
    model = TextClassifier(transformer.model, transformer.width, len(classes), settings).to(device)
    shared = DistributedDataParallel(model) if share.processes > 1 else model
    torch.manual_seed(settings["seed"] + share.rank)  # dropout differs between processes

    turns = open_turns(train.utterances, transformer, settings)
    dev_turns = open_turns(dev.utterances, transformer, settings)
    dev_sequences = dev_turns.tokenize(np.flatnonzero(dev.labels != NO_LABEL))
    steps = settings["epochs"] * len(draw_epoch(turns, train.labels, 1, settings)[1])
    optimizer, schedule = _optimizer(model, steps, settings)
    training = Training(model, shared, transformer, share, device, optimizer, schedule)

    history: list[tuple[int, str, str, float]] = []
    best: dict[str, Any] = {"macro_f1": -1.0}
    for epoch in range(1, settings["epochs"] + 1):
        sequences, batches = draw_epoch(turns, train.labels, epoch, settings)
        loss = training.run_epoch(sequences, batches, train.labels)
        scores = training.score(dev_sequences, dev.labels)
        history.append((epoch, "train", "loss", loss))
        history.extend((epoch, "dev", name, value) for name, value in scores.items())
        logging.info(
            "epoch %d: train loss %.3f, dev loss %.3f, dev macro-F1 %.3f",
            *(epoch, loss, scores["loss"], scores["macro_f1"]),
        )
        if scores["macro_f1"] > best["macro_f1"]:
            weights = {
                name: tensor.detach().cpu().numpy().copy()
                for name, tensor in transformer.model.state_dict().items()
            }
            best = {"macro_f1": scores["macro_f1"], "epoch": epoch, "weights": weights}
        elif epoch - best["epoch"] >= settings["patience"]:
            break
    facts = {
        "encoder": transformer.name,
        "classes": list(classes),
        "best_epoch": best["epoch"],
        "dev_macro_f1": best["macro_f1"],
        **{key: settings[key] for key in ("pooling", "context_turns", "max_tokens")},
    }
    columns = ["epoch", "split", "quantity", "value"]
    return best["weights"], facts, pd.DataFrame(history, columns=columns)


@dataclass(frozen=True)
class Training:
    """A classifier in training; ``shared`` is the same one with the gradients of all processes."""

    model: TextClassifier
    shared: nn.Module
    transformer: Transformer
    share: Share
    device: str
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    def run_epoch(
        self, sequences: Sequence[TokenSequence], batches: Iterable[np.ndarray], labels: np.ndarray
    ) -> float:
        """Make a step for each batch (numbers of sequences); returns the mean loss of a step.

        Args:
            labels: of the utterances, int64 [N], `NO_LABEL` where one does not count.
        """
        self.model.train()
        losses = []
        for batch in batches:
            counted = (labels[rows_of([sequences[number] for number in batch])] != NO_LABEL).sum()
            own = self.share.of(batch)
            # Every process takes part in every step, if need be with a sequence of no weight.
            weight = self.share.processes / int(counted) if len(own) else 0.0
            part = [sequences[number] for number in (own if len(own) else batch[:1])]
            truth = torch.from_numpy(labels[rows_of(part)]).to(self.device)  # [U]
            logits = self.shared(collate(part, self.transformer).to(self.device))  # [U, classes]
            loss = weight * cross_entropy(logits, truth, reduction="sum", ignore_index=NO_LABEL)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), LARGEST_GRADIENT)
            self.optimizer.step()
            self.schedule.step()
            losses.append(loss.detach())
        return float(self.share.gather(torch.stack(losses).cpu().numpy()).mean())

    @torch.inference_mode()
    def score(self, sequences: Sequence[TokenSequence], labels: np.ndarray) -> dict[str, float]:
        """Loss, macro-F1 over the classes that occur, and weighted F1."""
        from sklearn.metrics import f1_score

        self.model.eval()
        order = np.argsort([-len(sequence) for sequence in sequences], kind="stable")
        counts = np.array([len(sequence.rows) for sequence in sequences])
        rows, logits = [], []
        # A process without a share of its own judges a sequence too; rows count once.
        own = self.share.of(order) if len(order) > self.share.rank else order[:1]
        for batch in split_by_count(own, counts, DEV_BATCH):
            part = [sequences[number] for number in batch]
            rows.append(rows_of(part))
            logits.append(self.model(collate(part, self.transformer).to(self.device)).cpu())
        judged, first = np.unique(self.share.gather(np.concatenate(rows)), return_index=True)
        gathered = torch.from_numpy(self.share.gather(torch.cat(logits).numpy())[first])
        counted = labels[judged] != NO_LABEL
        truth, gathered = labels[judged][counted], gathered[counted]
        predicted = gathered.argmax(dim=1).numpy()
        present = np.unique(truth)
        scores = {
            f"{average}_f1": float(
                f1_score(truth, predicted, labels=present, average=average, zero_division=0)
            )
            for average in ("macro", "weighted")
        }
        return {"loss": float(cross_entropy(gathered, torch.from_numpy(truth))), **scores}


def draw_epoch(
    turns: Turns | Dialogues, labels: np.ndarray, epoch: int, settings: Mapping[str, Any]
) -> tuple[list[TokenSequence], list[np.ndarray]]:
    """The sequences of an epoch, and the batches of them in their order.

    Whole dialogues are cut anew in each epoch. The number of batches then differs a little from
    epoch to epoch.

    Args:
        labels: of the utterances, int64 [N], `NO_LABEL` where one does not count.
        epoch: its number; with the seed in ``settings`` it decides what is drawn.
    """
    generator = np.random.default_rng([settings["seed"], epoch])
    if isinstance(turns, Dialogues):
        sequences = turns.cut_at_random(generator)
    else:
        sequences = turns.tokenize(np.flatnonzero(labels != NO_LABEL))
    return sequences, list(shuffle_batches(sequences, labels, settings["batch_size"], generator))


def shuffle_batches(
    sequences: Sequence[TokenSequence],
    labels: np.ndarray,
    size: int,
    generator: np.random.Generator,
) -> Iterator[np.ndarray]:
    """Cut sequences at random into batches of like length, so that little is padded.

    Args:
        labels: of the utterances, int64 [N]; sequences without a labelled one are left out.
        size: labelled utterances per batch; the sequence that fills it may bring more.

    Yields:
        numbers of sequences; together each once.
    """
    counts = np.array([(labels[sequence.rows] != NO_LABEL).sum() for sequence in sequences])
    lengths = np.array([len(sequence) for sequence in sequences])
    order = generator.permutation(np.flatnonzero(counts))
    batches: list[np.ndarray] = []
    for bucket in split_by_count(order, counts, size * BATCHES_PER_BUCKET):
        by_length = bucket[np.argsort(lengths[bucket], kind="stable")]
        batches += split_by_count(by_length, counts, size)
    for position in generator.permutation(len(batches)):
        yield batches[position]


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Share of the largest learning rate at a step: up from 0, then linearly down to 0."""
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return max(0.0, (steps - step) / max(1.0, steps - rising))


def _optimizer(model: TextClassifier, steps: int, settings: Mapping[str, Any]) -> tuple[Any, Any]:
    groups = []
    for module, factor in ((model.encoder, 1.0), (model.classifier, CLASSIFIER_RATE)):
        parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        # Biases and the scales of normalisation are not decayed, as in BERT's own training.
        for decay, part in (
            (settings["weight_decay"], [p for p in parameters if p.ndim > 1]),
            (0.0, [p for p in parameters if p.ndim <= 1]),
        ):
            rate = factor * settings["learning_rate"]
            groups.append({"params": part, "weight_decay": decay, "lr": rate})
    optimizer = torch.optim.AdamW(groups, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, steps, settings["warmup"])
    )
    return optimizer, schedule
