"""Fine-tuning a text encoder on the training split's labels, stopped by the dev split.

The encoder gets a linear classifier over the vector of an utterance, and both are trained with
cross-entropy and AdamW. Whole dialogues (``context_turns: all``) are cut into
pieces anew in every epoch, of 1 to 12 turns, so that the encoder also learns to do with little
context. The learning rate rises over the first steps, then falls linearly to 0, which keeps short
fine-tuning stable (Mosbach et al., ICLR 2021). The weights of the epoch with the best macro-F1 on
dev are kept. No label of the test split is read.

With several folds there is one encoder for each, which sees no label of the fold's dialogues.
Log-probabilities of a training row come from the encoder that has not seen its label, as if it were
new (Wolpert, Stacked Generalization, Neural Networks 1992), and those of dev and test are the mean
over all encoders (`cberl.features.text.extract`). Each fold draws its own dropout, order and
classifier: encoders that err in different places gain more from being averaged (Lakshminarayanan et
al., NeurIPS 2017).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from cberl.errors import InputError
from cberl.features.settings import TextEncoderSettings
from cberl.features.text.batches import collate, rows_of, split_by_count
from cberl.features.text.dialogues import open_turns
from cberl.features.text.draws import draw_epoch
from cberl.features.text.folds import hold_out
from cberl.features.text.network import TextNetwork, parameter_groups
from cberl.features.text.transformer import load_transformer
from cberl.fitting.checkpoint import Checkpoint
from cberl.fitting.dev_f1 import f1_scores
from cberl.fitting.epochs import Plan, best_epoch, run_epochs
from cberl.rows import NO_LABEL
from cberl.seeding import choose_device, reproducible

LARGEST_GRADIENT = 1.0
CLASSIFIER_RATE = 10.0
"""Step size of the classifier, which starts from nothing, over that of the encoder (discriminative
fine-tuning; Howard and Ruder, ACL 2018, section 3.2)."""
DEV_BATCH = 64


def fit_text_encoder(
    train: pd.DataFrame,
    dev: pd.DataFrame,
    classes: Sequence[str],
    settings: TextEncoderSettings,
    fold: int = 0,
    device: str = "auto",
    checkpoint: Checkpoint | None = None,
    auxiliary: pd.DataFrame | None = None,
) -> tuple[TextNetwork, dict[str, Any], pd.DataFrame]:
    """Fine-tune the encoder.

    Args:
        train: training utterances: columns utterance_id, dialogue_id, split_group, turn, speaker,
            text, and ``label``, class numbers int64, `NO_LABEL` where unknown; whole dialogues.
        dev: dev utterances, likewise.
        classes: names by number.
        settings: of the text encoder, with those of its fine-tuning.
        fold: number of the one that is held out.
        device: auto, cpu or cuda.
        checkpoint: where the training is saved and continued from; None: nowhere.
        auxiliary: texts of another source with labels (`cberl.features.text.auxiliary`), which
            every fold is trained on.

    Returns:
        (network on the CPU, in evaluation mode; facts about it; table HISTORY).

    Raises:
        InputError: a split has no utterance with both label and text; there are more folds than
            training dialogues; the encoder cannot be loaded.
    """
    tuning = settings.finetune
    groups = train["split_group"]
    held_out = hold_out(train["dialogue_id"], groups, tuning.folds, fold, tuning.seed)
    train = _without_labels_of(train, held_out, "train")
    if auxiliary is not None:
        train = pd.concat([train, auxiliary], ignore_index=True)
    dev = _without_labels_of(dev, (), "dev")
    with reproducible(tuning.seed + fold):
        training = TextTraining(train, dev, len(classes), settings, fold, choose_device(device))
        history = run_epochs(
            training,
            Plan(
                "features.text.finetune",
                tuning.epochs,
                quantity="macro_f1",
                largest=True,
                patience=tuning.patience,
            ),
            checkpoint,
        )
    epoch, score = best_epoch(history, "macro_f1", largest=True)
    facts = {
        "encoder": training.transformer.name,
        "classes": list(classes),
        "best_epoch": epoch,
        "dev_macro_f1": score,
        "held_out": held_out,
        "pooling": settings.pooling,
        "context_turns": settings.context_turns,
        "next_turns": settings.next_turns,
        "max_tokens": settings.max_tokens,
    }
    return training.network.cpu().eval(), facts, history


def _without_labels_of(
    utterances: pd.DataFrame, held_out: Sequence[str], split: str
) -> pd.DataFrame:
    """The same, without labels where there is no text or the dialogue is held out."""
    has_text = utterances["text"].fillna("").str.strip() != ""
    counts = has_text & ~utterances["dialogue_id"].isin(held_out)
    labels = np.where(counts, utterances["label"], NO_LABEL)
    if not (labels != NO_LABEL).any():
        where = f" outside the {len(held_out)} dialogues of a fold" if len(held_out) else ""
        raise InputError(
            f"split {split}: no labelled utterance with text{where}; fine-tuning needs some"
        )
    return utterances.assign(label=labels).reset_index(drop=True)


class TextTraining:
    """A text network in training."""

    def __init__(
        self,
        train: pd.DataFrame,
        dev: pd.DataFrame,
        classes: int,
        settings: TextEncoderSettings,
        fold: int,
        device: str,
    ) -> None:
        from transformers import get_linear_schedule_with_warmup

        self._tuning = settings.finetune
        self._seed, self._device, self._classes = self._tuning.seed + fold, device, classes
        self.transformer = load_transformer(settings.encoder)
        self.transformer.check_length(settings.max_tokens)
        self.network = TextNetwork(
            self.transformer.model,
            self.transformer.width,
            classes,
            self._tuning.dropout,
            settings.pooling,
            self._tuning.precision,
            self._tuning.frozen_layers,
        ).to(device)
        torch.manual_seed(self._seed)
        self._turns = open_turns(train, self.transformer, settings)
        self._labels = train["label"].to_numpy(np.int64)
        self._dev_labels = dev["label"].to_numpy(np.int64)
        self._dev_sequences = open_turns(dev, self.transformer, settings).tokenize(
            np.flatnonzero(self._dev_labels != NO_LABEL)
        )
        self.optimizer = torch.optim.AdamW(
            parameter_groups(
                self.network,
                self._tuning.learning_rate,
                CLASSIFIER_RATE,
                self._tuning.weight_decay,
            ),
            fused=True,
        )
        steps = self._tuning.epochs * len(self._draw(1)[1])
        self._schedule = get_linear_schedule_with_warmup(
            self.optimizer, round(self._tuning.warmup * steps), steps
        )

    def _draw(self, epoch: int) -> tuple[list, list[np.ndarray]]:
        return draw_epoch(self._turns, self._labels, self._tuning.batch_size, (self._seed, epoch))

    def run_epoch(self, epoch: int) -> Mapping[str, float]:
        """One step per batch; the mean loss of a step."""
        sequences, batches = self._draw(epoch)
        self.network.train()
        losses = []
        for batch in batches:
            part = [sequences[number] for number in batch]
            truth = torch.from_numpy(self._labels[rows_of(part)]).to(self._device)  # [U]
            logits = self.network(collate(part, self.transformer).to(self._device))  # [U, C]
            loss = cross_entropy(logits, truth, ignore_index=NO_LABEL)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
            self.optimizer.step()
            self._schedule.step()
            losses.append(loss.detach())
        return {"loss": float(torch.stack(losses).mean())}

    @torch.inference_mode()
    def score(self) -> Mapping[str, float]:
        """Loss, macro-F1 over the classes that occur in dev, and weighted F1."""
        self.network.eval()
        sequences = self._dev_sequences
        order = np.argsort([-len(sequence) for sequence in sequences], kind="stable")
        counts = np.array([len(sequence.rows) for sequence in sequences])
        rows, logits = [], []
        for batch in split_by_count(order, counts, DEV_BATCH):
            part = [sequences[number] for number in batch]
            rows.append(rows_of(part))
            logits.append(self.network(collate(part, self.transformer).to(self._device)).cpu())
        truth = torch.from_numpy(self._dev_labels[np.concatenate(rows)])
        counted = truth != NO_LABEL
        truth, scored = truth[counted], torch.cat(logits)[counted]
        macro, weighted = f1_scores(truth, scored.argmax(dim=1), self._classes)
        loss = float(cross_entropy(scored, truth))
        return {"loss": loss, "macro_f1": macro, "weighted_f1": weighted}
