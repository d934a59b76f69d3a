"""Text features: a transformer over each utterance's transcript."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.artifacts import read_tensor_header, read_tensors
from cberl.errors import InputError
from cberl.features.settings import TextEncoderSettings, TextSettings
from cberl.features.tables import LOG_PROBABILITIES
from cberl.features.text.batches import collate, encode, rows_of, split_by_count
from cberl.features.text.dialogues import Dialogues, open_turns
from cberl.features.text.transformer import load_transformer
from cberl.features.text.turns import TokenSequence, Turns
from cberl.log import progress
from cberl.seeding import choose_device

TunedWeights = tuple[dict[str, Any], dict[str, np.ndarray]]
ROWS_AT_ONCE = 4096
"""Utterances sorted by length together and written together: the bound on memory."""


class TextExtractor:
    """Encodes transcripts with one encoder or several.

    An utterance without text is unavailable. The vectors of several encoders stand side by side.
    Those that are fine-tuned in folds also give log-probabilities of the classes (`TextEncoder`),
    which are joined by their mean, a geometric mean of probabilities (Hinton, Products of Experts,
    ICANN 1999), and are the last columns.
    """

    def __init__(
        self, settings: TextSettings, weights: Sequence[str | Path] = (), device: str = "auto"
    ) -> None:
        """
        Args:
            settings: of the text encoders.
            weights: fine-tuned weights, one file per fold; its metadata name its encoder.
            device: auto, cpu or cuda.

        Raises:
            InputError: an encoder or its weights cannot be loaded, or take fewer tokens.
        """
        own: list[list[str | Path]] = [[] for _ in settings.each]
        for path in weights:
            own[read_tensor_header(path)["metadata"].get("position", 0)].append(path)
        self._encoders = [
            TextEncoder(one, files, device) for one, files in zip(settings.each, own, strict=True)
        ]
        tuned = [encoder.classes for encoder in self._encoders if encoder.classes]
        self._classes = tuned[0] if tuned else []

    def describe(self) -> dict[str, Any]:
        """Facts for a reader of the features."""
        facts = [encoder.describe() for encoder in self._encoders]
        joined = {LOG_PROBABILITIES: self._classes} if self._classes else {}
        width = sum(own.pop("width") for own in facts) + len(self._classes)
        shared = {"modality": "text", "width": width, **joined}
        if len(facts) == 1:
            return {**facts[0], **shared}
        return {"encoder": " + ".join(own["encoder"] for own in facts), "encoders": facts, **shared}

    def extract(self, shard: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Encode the utterances of whole dialogues.

        Args:
            shard: rows of the utterances table.

        Yields:
            (frame [utterance_id, available, is_synthetic], float32 [rows, width], NaN where
            unavailable), in the order of ``shard``.
        """
        ids = shard["utterance_id"].to_numpy(dtype=object)
        dialogues = shard["dialogue_id"].to_numpy(dtype=object)
        turns = [encoder.open(shard) for encoder in self._encoders]
        starts = range(0, max(len(shard), 1), ROWS_AT_ONCE)
        for start in progress(starts, len(starts), f"pieces of {ROWS_AT_ONCE} utterances"):
            rows = np.arange(start, min(start + ROWS_AT_ONCE, len(shard)))
            features = self._features(turns, rows, dialogues[rows])
            available = turns[0].available[rows]
            frame = pd.DataFrame(
                {"utterance_id": ids[rows], "available": available, "is_synthetic": False}
            )
            yield frame, features
        logging.info("%d of %d utterances have text", turns[0].available.sum(), len(shard))

    def encode_last(self, dialogue: pd.DataFrame) -> np.ndarray:
        """Encode the last utterance of one dialogue: float32 [width], NaN without text.

        Args:
            dialogue: rows of the utterances table, with all turns that the encoders see.
        """
        rows = np.array([len(dialogue) - 1])
        own = dialogue["dialogue_id"].to_numpy(dtype=object)[rows]
        return self._features([encoder.open(dialogue) for encoder in self._encoders], rows, own)[0]

    def keep_weights(self) -> None:
        """Read the weights of all folds now and keep them, for turn after turn."""
        for encoder in self._encoders:
            encoder.keep_weights()

    def _features(
        self, turns: Sequence[Turns | Dialogues], rows: np.ndarray, dialogues: np.ndarray
    ) -> np.ndarray:
        """Features of the utterances at consecutive ``rows``, which are of ``dialogues`` [R].

        Args:
            turns: each encoder's.

        Returns:
            float32 [R, width], NaN without text.
        """
        features, known = [], []
        for encoder, own in zip(self._encoders, turns, strict=True):
            features.append(encoder.vectors(own, rows))
            if encoder.classes:
                known.append(encoder.log_probabilities(own, rows, dialogues))
        if known:
            features.append(log_softmax(np.mean(known, axis=0)))
        return np.concatenate(features, axis=1).astype(np.float32)


class TextEncoder:
    """One text encoder, as it was published or fine-tuned.

    Pooling: ``mean`` over the tokens of the utterance and the special ones around it, as sentence
    transformers are trained (in a whole dialogue over the speaker's name and the turn), or ``cls``,
    the first token's vector.

    With fine-tuned weights of one encoder that saw all labels, vectors are that one's. With those
    of several folds, vectors are the published encoder's, one space for all, and there are
    log-probabilities of the classes: of the folds that have not seen the label, joined by their
    mean. For training rows they are as honest as for new ones (Wolpert, Stacked Generalization,
    Neural Networks 1992).

    Attributes:
        classes: whose log-probabilities there are; empty if none.
    """

    def __init__(
        self, settings: TextEncoderSettings, weights: Sequence[str | Path], device: str
    ) -> None:
        """Arguments as of `TextExtractor`, the weights this encoder's."""
        self._settings = settings
        self._device = choose_device(device)
        self._transformer = load_transformer(settings.encoder)
        self._transformer.check_length(settings.max_tokens)
        self._transformer.model.to(self._device)
        self._weights = list(weights)
        facts = [facts_of(path, self._transformer.name) for path in weights]
        self._held_out = [own["held_out"] for own in facts]
        self._auxiliary = facts[0].get("auxiliary", {}) if facts else {}
        self.classes: list[str] = facts[0]["classes"] if len(facts) > 1 else []
        self._published = self._transformer.model.state_dict()
        self._kept: dict[str | Path, TunedWeights] = {}
        if len(facts) == 1:
            encoder, _ = read_weights(self._weights[0], self._device)
            self._transformer.model.load_state_dict(encoder)

    def describe(self) -> dict[str, Any]:
        """Facts for a reader of the features; ``width`` is that of the vectors."""
        weights = "fine-tuned on the training split" if self._weights else "published"
        if self.classes:
            weights = "published; log-probabilities: fine-tuned on the training split"
        return {
            "encoder": self._transformer.name,
            "weights": weights,
            **({"folds": len(self._weights)} if self._weights else {}),
            "width": self._transformer.width,
            "pooling": self._settings.pooling,
            "context_turns": self._settings.context_turns,
            "next_turns": self._settings.next_turns,
            **({"auxiliary": self._auxiliary} if self._auxiliary else {}),
        }

    def keep_weights(self) -> None:
        """Read the weights of all folds now and keep them.

        A tensor that tuning left as it was published, as word embeddings are, is kept once.
        """
        for path in self._weights if self.classes else ():
            encoder, classifier = read_weights(path, self._device)
            shared = {
                name: published
                for name, published in self._published.items()
                if published.equal(encoder[name])
            }
            self._kept[path] = (encoder | shared, classifier)

    def open(self, shard: pd.DataFrame) -> Turns | Dialogues:
        """The utterances of whole dialogues, ready to be tokenised."""
        return open_turns(shard, self._transformer, self._settings)

    def vectors(self, turns: Turns | Dialogues, rows: np.ndarray) -> np.ndarray:
        """Vectors of consecutive rows: float32 [R, width], NaN where there is no text."""
        return self._encode(turns.tokenize(rows[turns.available[rows]]), rows)

    def log_probabilities(
        self, turns: Turns | Dialogues, rows: np.ndarray, dialogues: np.ndarray
    ) -> np.ndarray:
        """Those of the folds that have not seen a row's label, joined: float64 [R, classes].

        Rows without text are NaN.
        """
        available = turns.available[rows]
        asked = _asked(self._held_out, dialogues)  # [folds, R]
        total = np.zeros((len(rows), len(self.classes)), dtype=np.float64)
        # One after the other through the same network: a large one fits into memory once.
        for path, of_fold in zip(self._weights, asked, strict=True):
            own = available & of_fold
            if own.any():
                encoder, classifier = self._kept.get(path) or read_weights(path, self._device)
                # In place of the tensors that are there: no copy, and those stay as they are.
                self._transformer.model.load_state_dict(encoder, assign=True)
                vectors = self._encode(turns.tokenize(rows[own]), rows)[own]
                total[own] += log_softmax(vectors @ classifier["weight"].T + classifier["bias"])
        self._transformer.model.load_state_dict(self._published, assign=True)
        total[~available] = np.nan
        return log_softmax(total / asked.sum(axis=0)[:, None])

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
    """Which folds give log-probabilities for each row: bool [folds, R].

    Those that held its dialogue out; all, if none did.
    """
    unseen = np.stack([np.isin(dialogues, list(names)) for names in held_out])
    return np.where(unseen.any(axis=0), unseen, True)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logits [R, classes] -> log-probabilities; minus infinity stays minus infinity."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def facts_of(path: str | Path, encoder: str) -> dict[str, Any]:
    """Metadata of a file of fine-tuned weights: ``held_out`` dialogues, ``classes`` and others.

    Raises:
        InputError: the file holds the weights of another encoder.
    """
    metadata = read_tensor_header(path)["metadata"]
    if metadata["encoder"] != encoder:
        raise InputError(f"{path}: weights of {metadata['encoder']}, expected {encoder}")
    return metadata


def read_weights(path: str | Path, device: Any) -> TunedWeights:
    """Read a fine-tuned `cberl.features.text.network.TextNetwork`.

    Returns:
        the encoder's weights, tensors on ``device``, and the classifier's: ``weight`` float32
        [classes, width], ``bias`` [classes].
    """
    import torch

    arrays, _ = read_tensors(path, "encoder")
    encoder, classifier = {}, {}
    for name, array in arrays.items():
        part, _, own = name.partition(".")
        if part == "encoder":
            encoder[own] = torch.tensor(array, device=device)
        elif part == "classifier":
            classifier[own] = array
    return encoder, classifier
