"""The loop that fine-tunes a text encoder; see `cberl.features.finetune`."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import distributed, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from cberl.features.encoding import Batch, collate, encode
from cberl.features.transformer import Transformer, load_transformer
from cberl.features.turns import TokenSequence, Turns
from cberl.seeding import choose_device, seed_everything

BATCHES_PER_BUCKET = 50
LARGEST_GRADIENT = 1.0
DEV_BATCH = 64


@dataclass(frozen=True)
class LabelledText:
    """``labels`` int64 [N] of the ``rows`` int64 [N] of a split's ``utterances``."""

    utterances: pd.DataFrame
    rows: np.ndarray
    labels: np.ndarray


class TextClassifier(nn.Module):
    """An encoder with dropout and a linear layer over its pooled vector."""

    def __init__(self, encoder: nn.Module, width: int, classes: int, settings: Mapping) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(settings["dropout"])
        self.classifier = nn.Linear(width, classes)
        self._pooling = settings["pooling"]
        for name, parameter in encoder.named_parameters():
            # A pooler is not used, and a parameter without a gradient stalls a process group.
            parameter.requires_grad_("pooler" not in name)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Logits float32 [B, classes]."""
        return self.classifier(self.dropout(encode(self.encoder, batch, self._pooling)))


@dataclass(frozen=True)
class Share:
    """This process's place among those that share each step."""

    rank: int = 0
    processes: int = 1

    @classmethod
    def of_this_process(cls) -> "Share":
        if not distributed.is_initialized():
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    def of(self, rows: np.ndarray) -> np.ndarray:
        return rows[self.rank :: self.processes]

    def gather(self, part: np.ndarray, total: int) -> np.ndarray:
        """All processes' parts, back in the order that `of` cut."""
        if self.processes == 1:
            return part
        parts: list[Any] = [None] * self.processes
        distributed.all_gather_object(parts, part)
        whole = np.empty((total, *part.shape[1:]), dtype=part.dtype)
        for rank, own in enumerate(parts):
            whole[rank :: self.processes] = own
        return whole


def train_encoder(
    train: LabelledText, dev: LabelledText, classes: Sequence[str], settings: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, Any], pd.DataFrame]:
    """Train the encoder with early stopping; see `cberl.features.finetune.finetune_text`."""
    share = Share.of_this_process()
    device = choose_device(settings["device"])
    seed_everything(settings["seed"])
    transformer = load_transformer(settings["encoder"])
    transformer.check_length(settings["max_tokens"])
    model = TextClassifier(transformer.model, transformer.width, len(classes), settings).to(device)
    trained = DistributedDataParallel(model) if share.processes > 1 else model
    torch.manual_seed(settings["seed"] + share.rank)  # dropout differs between processes

    train_tokens, dev_tokens = (_tokenize(split, transformer, settings) for split in (train, dev))
    size = settings["batch_size"]
    steps = settings["epochs"] * math.ceil(len(train_tokens) / size)
    optimizer, schedule = _optimizer(model, steps, settings)

    history: list[tuple[int, str, str, float]] = []
    best: dict[str, Any] = {"macro_f1": -1.0}
    for epoch in range(1, settings["epochs"] + 1):
        lengths = np.array([len(tokens) for tokens in train_tokens])
        generator = np.random.default_rng([settings["seed"], epoch])
        model.train()
        losses = []
        for rows in bucketed_batches(lengths, size, generator):
            own = share.of(rows)
            # Every process takes part in every step, if need be with a row that does not count.
            weight = share.processes / len(rows) if len(own) else 0.0
            own = own if len(own) else rows[:1]
            batch = collate([train_tokens[row] for row in own], transformer).to(device)
            labels = torch.from_numpy(train.labels[own]).to(device)
            loss = weight * cross_entropy(trained(batch), labels, reduction="sum")
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT)
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
        train_loss = share.gather(torch.stack(losses).cpu().numpy()[None], share.processes).mean()
        scores = _score(model, dev_tokens, dev.labels, transformer, share, device)
        history.append((epoch, "train", "loss", float(train_loss)))
        history.extend((epoch, "dev", name, value) for name, value in scores.items())
        logging.info(
            "epoch %d: train loss %.3f, dev loss %.3f, dev macro-F1 %.3f",
            *(epoch, train_loss, scores["loss"], scores["macro_f1"]),
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


def bucketed_batches(
    lengths: np.ndarray, size: int, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """Cut rows at random into batches of like length, so that little is padded.

    Args:
        lengths: tokens of each row: int64 [N].

    Yields:
        int64 [at most ``size``]; together every row once.
    """
    order = generator.permutation(len(lengths))
    bucket = size * BATCHES_PER_BUCKET
    batches = []
    for start in range(0, len(order), bucket):
        rows = order[start : start + bucket]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        batches += [rows[first : first + size] for first in range(0, len(rows), size)]
    for position in generator.permutation(len(batches)):
        yield batches[position]


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Share of the largest learning rate at a step: up from 0, then linearly down to 0."""
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return max(0.0, (steps - step) / max(1.0, steps - rising))


def _optimizer(model: TextClassifier, steps: int, settings: Mapping[str, Any]) -> tuple[Any, Any]:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        # Biases and the scales of normalisation are not decayed, as in BERT's own training.
        {
            "params": [parameter for parameter in parameters if parameter.ndim > 1],
            "weight_decay": settings["weight_decay"],
        },
        {
            "params": [parameter for parameter in parameters if parameter.ndim <= 1],
            "weight_decay": 0.0,
        },
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings["learning_rate"])
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, steps, settings["warmup"])
    )
    return optimizer, schedule


def _tokenize(
    split: LabelledText, transformer: Transformer, settings: Mapping[str, Any]
) -> list[TokenSequence]:
    turns = Turns(
        split.utterances,
        transformer.tokenizer,
        settings["context_turns"],
        settings["max_tokens"],
    )
    return turns.tokenize(split.rows)


@torch.inference_mode()
def _score(
    model: TextClassifier,
    tokens: Sequence[TokenSequence],
    labels: np.ndarray,
    transformer: Transformer,
    share: Share,
    device: str,
) -> dict[str, float]:
    """Loss, macro-F1 over the classes that occur, and weighted F1."""
    from sklearn.metrics import f1_score

    model.eval()
    order = np.argsort([-len(sequence) for sequence in tokens], kind="stable")
    own = share.of(order)
    logits = []
    for start in range(0, len(own), DEV_BATCH):
        rows = own[start : start + DEV_BATCH]
        batch = collate([tokens[row] for row in rows], transformer).to(device)
        logits.append(model(batch).cpu())
    part = torch.cat(logits) if logits else torch.empty(0, model.classifier.out_features)
    gathered = torch.from_numpy(share.gather(part.numpy(), len(order)))
    truth = labels[order]
    predicted = gathered.argmax(dim=1).numpy()
    present = np.unique(truth)
    return {
        "loss": float(cross_entropy(gathered, torch.from_numpy(truth))),
        **{
            f"{average}_f1": float(
                f1_score(truth, predicted, labels=present, average=average, zero_division=0)
            )
            for average in ("macro", "weighted")
        },
    }
