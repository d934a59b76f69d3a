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
from cberl.features.text.batches import collate, encode, rows_of, split_by_count
from cberl.features.text.dialogues import open_turns
from cberl.features.text.transformer import load_transformer
from cberl.features.text.turns import TokenSequence
from cberl.log import progress
from cberl.seeding import choose_device

ROWS_AT_ONCE = 4096
"""Utterances sorted by length together and written together: the bound on memory."""


class TextExtractor:
    """Encodes transcripts.

    An utterance without text is unavailable. Pooling: ``mean`` over the tokens of the utterance
    (alone in its sequence over special tokens too, as sentence transformers are trained; beside
    other turns over its own), or ``cls``, the first token's vector.

    With fine-tuned weights of several folds, an utterance of a dialogue that one of them held out
    has that one's vector, any other the mean of all.
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
        self._taken: int | None = None  # the weights that are in the network
        self._held_out = [held_out_of(path, self._transformer.name) for path in weights]

    def describe(self) -> dict[str, Any]:
        """Facts for a reader of the features."""
        tuned = {"weights": "fine-tuned on the training split", "folds": len(self._weights)}
        return {
            "modality": "text",
            "encoder": self._transformer.name,
            **(tuned if self._weights else {"weights": "published"}),
            "width": self._transformer.width,
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
        share = self._shares(shard["dialogue_id"])  # [encoders, N]
        ids = shard["utterance_id"].to_numpy(dtype=object)
        starts = range(0, max(len(shard), 1), ROWS_AT_ONCE)
        for start in progress(starts, len(starts), f"pieces of {ROWS_AT_ONCE} utterances"):
            rows = np.arange(start, min(start + ROWS_AT_ONCE, len(shard)))
            available = turns.available[rows]
            features = np.zeros((len(rows), self._transformer.width), dtype=np.float32)
            # One after the other through the same network: a large one fits into memory once.
            for encoder, part in enumerate(share[:, rows]):
                own = available & (part > 0)
                self._take_weights(encoder)
                vectors = self._encode(turns.tokenize(rows[own]), rows)
                features[own] += part[own, None] * vectors[own]
            features[~available] = np.nan
            frame = pd.DataFrame(
                {"utterance_id": ids[rows], "available": available, "is_synthetic": False}
            )
            yield frame, features
        logging.info("%d of %d utterances have text", turns.available.sum(), len(shard))

    def _shares(self, dialogues: pd.Series) -> np.ndarray:
        """What each encoder has to say of each utterance's vector: float32 [encoders, N], sum 1."""
        held_out = self._held_out or [()]
        unseen = np.stack([dialogues.isin(names).to_numpy() for names in held_out])
        asked = np.where(unseen.any(axis=0), unseen, True)
        return (asked / asked.sum(axis=0)).astype(np.float32)

    def _take_weights(self, encoder: int) -> None:
        """Put one fold's weights into the network, if it has not them already."""
        if encoder < len(self._weights) and encoder != self._taken:
            load_weights(self._transformer.model, self._weights[encoder])
            self._taken = encoder

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


def held_out_of(path: str | Path, encoder: str) -> list[str]:
    """The training dialogues whose labels fine-tuned weights have not seen.

    Raises:
        InputError: the file holds the weights of another encoder.
    """
    metadata = read_tensor_header(path)["metadata"]
    if metadata["encoder"] != encoder:
        raise InputError(f"{path}: weights of {metadata['encoder']}, expected {encoder}")
    return metadata["held_out"]


def load_weights(encoder: Any, path: str | Path) -> None:
    """Put the fine-tuned encoder of a `cberl.features.text.network.TextNetwork` into ``encoder``.

    Its classifier stays in the file.
    """
    import torch

    arrays, _ = read_tensors(path, "encoder")
    own = "encoder."
    tensors = {
        name.removeprefix(own): torch.from_numpy(array)
        for name, array in arrays.items()
        if name.startswith(own)
    }
    encoder.load_state_dict(tensors, strict=True)
