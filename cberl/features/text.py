"""Text features: a transformer over each utterance's transcript."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.artifacts import read_tensors
from cberl.errors import InputError
from cberl.features.dialogues import open_turns
from cberl.features.encoding import collate, encode, rows_of, split_by_count
from cberl.features.transformer import Transformer, load_transformer
from cberl.features.turns import TokenSequence
from cberl.log import progress
from cberl.seeding import choose_device

ROWS_AT_ONCE = 4096
"""Utterances sorted by length together and written together: the bound on memory."""


class TextExtractor:
    """Encodes transcripts.

    An utterance without text is unavailable. Pooling: ``mean`` over the tokens of the utterance
    (alone in its sequence over special tokens too, as sentence transformers are trained; beside
    other turns over its own), or ``cls``, the first token's vector.
    """

    def __init__(self, settings: Mapping[str, Any], weights: str | Path | None = None) -> None:
        """
        Args:
            settings: section ``features.text`` of the configuration, and ``device``.
            weights: fine-tuned weights of the same encoder, instead of its published ones.

        Raises:
            InputError: the encoder or its weights cannot be loaded, or take fewer tokens.
        """
        self._settings = settings
        self._device = choose_device(settings["device"])
        self._transformer = load_transformer(settings["encoder"])
        self._weights = "published"
        self._transformer.check_length(settings["max_tokens"])
        if weights is not None:
            load_weights(self._transformer, weights)
            self._weights = "fine-tuned on the training split"
        self._transformer.model.to(self._device)

    def describe(self) -> dict[str, Any]:
        """Facts for a reader of the features."""
        return {
            "modality": "text",
            "encoder": self._transformer.name,
            "weights": self._weights,
            "width": self._transformer.width,
            "pooling": self._settings["pooling"],
            "context_turns": self._settings["context_turns"],
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
        ids = shard["utterance_id"].to_numpy(dtype=object)
        starts = range(0, max(len(shard), 1), ROWS_AT_ONCE)
        for start in progress(starts, len(starts), f"pieces of {ROWS_AT_ONCE} utterances"):
            rows = np.arange(start, min(start + ROWS_AT_ONCE, len(shard)))
            available = turns.available[rows]
            features = np.full((len(rows), self._transformer.width), np.nan, dtype=np.float32)
            self._encode(turns.tokenize(rows[available]), start, features)
            frame = pd.DataFrame(
                {"utterance_id": ids[rows], "available": available, "is_synthetic": False}
            )
            yield frame, features
        logging.info("%d of %d utterances have text", turns.available.sum(), len(shard))

    def _encode(self, sequences: Sequence[TokenSequence], start: int, features: np.ndarray) -> None:
        """Put pooled vectors into ``features``, whose rows are the utterances from ``start`` on.

        Sequences are batched by length, longest first; utterances of other rows are passed over.
        """
        import torch

        order = np.argsort([-len(sequence) for sequence in sequences], kind="stable")
        counts = np.array([len(sequence.rows) for sequence in sequences], dtype=np.int64)
        with torch.inference_mode():
            for batch_rows in split_by_count(order, counts, self._settings["batch_size"]):
                part = [sequences[position] for position in batch_rows]
                batch = collate(part, self._transformer).to(self._device)
                pooled = encode(self._transformer.model, batch, self._settings["pooling"])
                rows = rows_of(part) - start
                inside = (rows >= 0) & (rows < len(features))
                features[rows[inside]] = pooled.cpu().numpy()[inside]


def load_weights(transformer: Transformer, path: str | Path) -> None:
    """Put fine-tuned weights into an encoder.

    Raises:
        InputError: the file holds the weights of another encoder.
    """
    import torch

    arrays, metadata = read_tensors(path, "encoder")
    if metadata["encoder"] != transformer.name:
        raise InputError(f"{path}: weights of {metadata['encoder']}, expected {transformer.name}")
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    transformer.model.load_state_dict(tensors, strict=True)
