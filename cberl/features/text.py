"""Text features: a transformer over each utterance's transcript."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.artifacts import read_tensors
from cberl.errors import InputError
from cberl.features.transformer import Transformer, load_transformer
from cberl.features.turns import TokenSequence, Turns
from cberl.log import progress
from cberl.seeding import choose_device

ROWS_AT_ONCE = 4096
"""Utterances sorted by length together and written together: the bound on memory."""


class TextExtractor:
    """Encodes transcripts.

    An utterance without text is unavailable. Pooling: ``mean`` over the tokens of the utterance
    (without context over special tokens too, as sentence transformers are trained; with context
    over the utterance's own segment only), or ``cls``, the first token's vector.
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
        if settings["max_tokens"] > self._transformer.longest:
            raise InputError(
                f"features.text.max_tokens: {settings['max_tokens']} is more than the"
                f" {self._transformer.longest} tokens that {settings['encoder']} takes"
            )
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
        turns = Turns(
            shard,
            self._transformer.tokenizer,
            self._settings["context_turns"],
            self._settings["max_tokens"],
        )
        ids = shard["utterance_id"].to_numpy(dtype=object)
        starts = range(0, max(len(shard), 1), ROWS_AT_ONCE)
        for start in progress(starts, len(starts), f"pieces of {ROWS_AT_ONCE} utterances"):
            rows = np.arange(start, min(start + ROWS_AT_ONCE, len(shard)))
            available = turns.available[rows]
            features = np.full((len(rows), self._transformer.width), np.nan, dtype=np.float32)
            features[available] = self._encode(turns.tokenize(rows[available]))
            frame = pd.DataFrame(
                {"utterance_id": ids[rows], "available": available, "is_synthetic": False}
            )
            yield frame, features
        logging.info("%d of %d utterances have text", turns.available.sum(), len(shard))

    def _encode(self, sequences: Sequence[TokenSequence]) -> np.ndarray:
        """Pooled vectors float32 [len(sequences), width], batched by length, longest first."""
        import torch

        size = self._settings["batch_size"]
        order = np.argsort([-len(sequence) for sequence in sequences], kind="stable")
        features = np.empty((len(sequences), self._transformer.width), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                batch = [sequences[row] for row in rows]
                pooled = encode_batch(
                    self._transformer, batch, self._settings, torch.device(self._device)
                )
                features[rows] = pooled.float().cpu().numpy()
        return features


def encode_batch(
    transformer: Transformer,
    batch: Sequence[TokenSequence],
    settings: Mapping[str, Any],
    device: Any,
) -> Any:
    """Run the encoder on one batch and pool: tensor [B, width].

    Args:
        settings: ``pooling`` and ``context_turns``; see `TextExtractor`.
        device: torch device; on CUDA the encoder runs in bfloat16.
    """
    import torch

    longest = max(len(sequence) for sequence in batch)
    ids = np.full((len(batch), longest), transformer.tokenizer.pad_token_id or 0, dtype=np.int64)
    types = np.zeros_like(ids)
    attended = np.zeros_like(ids)
    pooled_over = np.zeros(ids.shape, dtype=np.float32)
    for row, sequence in enumerate(batch):
        ids[row, : len(sequence)] = sequence.ids
        types[row, : len(sequence)] = sequence.types
        attended[row, : len(sequence)] = 1
        if settings["context_turns"] and sequence.end > sequence.start:
            pooled_over[row, sequence.start : sequence.end] = 1
        else:
            pooled_over[row, : len(sequence)] = 1
    inputs = {"input_ids": ids, "attention_mask": attended}
    if "token_type_ids" in transformer.tokenizer.model_input_names:
        inputs["token_type_ids"] = types
    tensors = {name: torch.from_numpy(array).to(device) for name, array in inputs.items()}
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
        hidden = transformer.model(**tensors).last_hidden_state  # [B, T, width]
    hidden = hidden.float()
    if settings["pooling"] == "cls":
        return hidden[:, 0]
    mask = torch.from_numpy(pooled_over).to(device).unsqueeze(-1)  # [B, T, 1]
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1)


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
