"""Text features: a transformer over each utterance's transcript."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.artifacts import read_tensor_header, read_tensors
from cberl.errors import InputError
from cberl.features.settings import TextSettings
from cberl.features.tables import LOG_PROBABILITIES
from cberl.features.text.batches import collate, encode, rows_of, split_by_count
from cberl.features.text.dialogues import Dialogues, open_turns
from cberl.features.text.transformer import load_transformer
from cberl.features.text.turns import TokenSequence, Turns
from cberl.log import progress
from cberl.seeding import choose_device

ROWS_AT_ONCE = 4096
"""Utterances sorted by length together and written together: the bound on memory."""


class TextExtractor:
    """Encodes transcripts.

    An utterance without text is unavailable. Pooling: ``mean`` over the tokens of the utterance
    (alone in its sequence over special tokens too, as sentence transformers are trained; beside
    other turns over its own), or ``cls``, the first token's vector.

    With fine-tuned weights of one encoder that saw all labels, vectors are that one's. With those
    of several folds, vectors are the published encoder's, one space for all, and behind them stand
    the classes' log-probabilities: of the folds that have not seen the
    label, joined by their mean, which is a geometric mean of probabilities (Hinton, Products of
    Experts, ICANN 1999). For training rows they are as honest as for new ones (Wolpert, Stacked
    Generalization, Neural Networks 1992).
    """

    def __init__(
        self, settings: TextSettings, weights: Sequence[str | Path] = (), device: str = "auto"
    ) -> None:
        """
        Args:
            settings: of the text encoder.
            weights: fine-tuned weights of the same encoder, a file for each fold, instead of its
                published ones.
            device: auto, cpu or cuda.

        Raises:
            InputError: the encoder or its weights cannot be loaded, or take fewer tokens.
        """
        self._settings = settings
        self._device = choose_device(device)
        self._transformer = load_transformer(settings.encoder)
        self._transformer.check_length(settings.max_tokens)
        self._transformer.model.to(self._device)
        self._weights = list(weights)
        facts = [facts_of(path, self._transformer.name) for path in weights]
        self._held_out = [own["held_out"] for own in facts]
        self._classes = facts[0]["classes"] if len(facts) > 1 else []
        self._published = copy_of_weights(self._transformer.model) if self._classes else {}
        if len(facts) == 1:
            load_weights(self._transformer.model, self._weights[0])

    def describe(self) -> dict[str, Any]:
        """Facts for a reader of the features."""
        tuned = {"weights": "fine-tuned on the training split"}
        if self._classes:
            tuned = {
                "weights": "published; log-probabilities: fine-tuned on the training split",
                "folds": len(self._weights),
                LOG_PROBABILITIES: self._classes,
            }
        return {
            "modality": "text",
            "encoder": self._transformer.name,
            **(tuned if self._weights else {"weights": "published"}),
            "width": self._transformer.width + len(self._classes),
            "pooling": self._settings.pooling,
            "context_turns": self._settings.context_turns,
        }

    def extract(self, shard: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Encode the utterances of whole dialogues.

        Args:
            shard: rows of the utterances table.

        Yields:
            (frame [utterance_id, available, is_synthetic], float32 [rows, width], NaN where
            unavailable), in the order of ``shard``.
        """
        turns = open_turns(shard, self._transformer, self._settings)
        dialogues = shard["dialogue_id"].to_numpy(dtype=object)
        ids = shard["utterance_id"].to_numpy(dtype=object)
        starts = range(0, max(len(shard), 1), ROWS_AT_ONCE)
        for start in progress(starts, len(starts), f"pieces of {ROWS_AT_ONCE} utterances"):
            rows = np.arange(start, min(start + ROWS_AT_ONCE, len(shard)))
            available = turns.available[rows]
            features = self._encode(turns.tokenize(rows[available]), rows)
            if self._classes:
                joined = self._log_probabilities(turns, rows, dialogues[rows])
                features = np.concatenate([features, joined], axis=1)
            frame = pd.DataFrame(
                {"utterance_id": ids[rows], "available": available, "is_synthetic": False}
            )
            yield frame, features
        logging.info("%d of %d utterances have text", turns.available.sum(), len(shard))

    def _log_probabilities(
        self, turns: Turns | Dialogues, rows: np.ndarray, dialogues: np.ndarray
    ) -> np.ndarray:
        """Of the folds that have not seen each row's label, joined: float32 [R, classes].

        Rows without text are NaN.
        """
        available = turns.available[rows]
        total = np.zeros((len(rows), len(self._classes)), dtype=np.float64)
        # One after the other through the same network: a large one fits into memory once.
        for path, asked in zip(self._weights, _asked(self._held_out, dialogues), strict=True):
            own = available & asked
            if own.any():
                classifier = load_weights(self._transformer.model, path)
                vectors = self._encode(turns.tokenize(rows[own]), rows)[own]
                total[own] += log_softmax(vectors @ classifier["weight"].T + classifier["bias"])
        self._transformer.model.load_state_dict(self._published)
        counts = np.sum(_asked(self._held_out, dialogues), axis=0)
        total[~available] = np.nan
        return log_softmax(total / counts[:, None]).astype(np.float32)

    def _encode(self, sequences: Sequence[TokenSequence], rows: np.ndarray) -> np.ndarray:
        """Pooled vectors of the utterances at ``rows``, which are consecutive: float32 [R, width].

        Sequences are batched by length, longest first; utterances of other rows are passed over,
        and rows that are in no sequence are NaN.
        """
        import torch

        features = np.full((len(rows), self._transformer.width), np.nan, dtype=np.float32)
        order = np.argsort([-len(sequence) for sequence in sequences], kind="stable")
        counts = np.array([len(sequence.rows) for sequence in sequences], dtype=np.int64)
        with torch.inference_mode():
            for batch_rows in split_by_count(order, counts, self._settings.batch_size):
                part = [sequences[position] for position in batch_rows]
                batch = collate(part, self._transformer).to(self._device)
                pooled = encode(self._transformer.model, batch, self._settings.pooling)
                places = rows_of(part) - rows[0]
                inside = (places >= 0) & (places < len(features))
                features[places[inside]] = pooled.cpu().numpy()[inside]
        return features


def _asked(held_out: Sequence[Sequence[str]], dialogues: np.ndarray) -> np.ndarray:
    """Which folds say something of each row: bool [folds, R].

    Those that held its dialogue out; all, if none did.
    """
    unseen = np.stack([np.isin(dialogues, list(names)) for names in held_out])
    return np.where(unseen.any(axis=0), unseen, True)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logits [R, classes] -> log-probabilities."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def facts_of(path: str | Path, encoder: str) -> dict[str, Any]:
    """What a file of fine-tuned weights says: ``held_out`` dialogues, ``classes`` and others.

    Raises:
        InputError: the file holds the weights of another encoder.
    """
    metadata = read_tensor_header(path)["metadata"]
    if metadata["encoder"] != encoder:
        raise InputError(f"{path}: weights of {metadata['encoder']}, expected {encoder}")
    return metadata


def copy_of_weights(encoder: Any) -> dict[str, Any]:
    """An encoder's weights, to be put back later."""
    return {name: tensor.clone() for name, tensor in encoder.state_dict().items()}


def load_weights(encoder: Any, path: str | Path) -> dict[str, np.ndarray]:
    """Put the fine-tuned encoder of a `cberl.features.text.network.TextNetwork` into ``encoder``.

    Returns:
        Its classifier: weight float32 [classes, width] and bias [classes].
    """
    import torch

    arrays, _ = read_tensors(path, "encoder")
    own, classifier = "encoder.", "classifier."
    tensors = {
        name.removeprefix(own): torch.from_numpy(array)
        for name, array in arrays.items()
        if name.startswith(own)
    }
    encoder.load_state_dict(tensors, strict=True)
    return {
        name.removeprefix(classifier): array
        for name, array in arrays.items()
        if name.startswith(classifier)
    }
