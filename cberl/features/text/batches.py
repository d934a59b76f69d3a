"""Token sequences as padded tensors, through an encoder, pooled into one vector each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from cberl.features.text.transformer import Transformer
from cberl.features.text.turns import TokenSequence


@dataclass(frozen=True)
class TokenBatch:
    """B sequences padded to T tokens, in which U utterances get a vector each.

    Attributes:
        inputs: what the encoder takes: int64 [B, T] each.
        utterance: number of the utterance (0 to U - 1, sequence after sequence) whose vector is
            pooled over a token, -1 for none: int64 [B, T].
        utterances: U.
    """

    inputs: dict[str, torch.Tensor]
    utterance: torch.Tensor
    utterances: int

    def to(self, device: str) -> "TokenBatch":
        """The same with its tensors on a device."""
        return TokenBatch(
            {name: tensor.to(device) for name, tensor in self.inputs.items()},
            self.utterance.to(device),
            self.utterances,
        )


def collate(sequences: Sequence[TokenSequence], transformer: Transformer) -> TokenBatch:
    """Pad sequences to the longest of them."""
    longest = max(len(sequence) for sequence in sequences)
    ids = np.full((len(sequences), longest), transformer.tokenizer.pad_token_id or 0)
    types, attended = np.zeros_like(ids), np.zeros_like(ids)
    utterance = np.full_like(ids, -1)
    count = 0
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence.ids
        types[row, : len(sequence)] = sequence.types
        attended[row, : len(sequence)] = 1
        for start, end in sequence.spans:
            utterance[row, start:end] = count
            count += 1
    inputs = {"input_ids": ids, "attention_mask": attended}
    if "token_type_ids" in transformer.tokenizer.model_input_names:
        inputs["token_type_ids"] = types
    return TokenBatch(
        {name: torch.from_numpy(array) for name, array in inputs.items()},
        torch.from_numpy(utterance),
        count,
    )


def rows_of(sequences: Sequence[TokenSequence]) -> np.ndarray:
    """The utterances of a batch in the order of their vectors: int64 [U]."""
    return np.array([row for sequence in sequences for row in sequence.rows], dtype=np.int64)


def split_by_count(order: np.ndarray, counts: np.ndarray, size: int) -> list[np.ndarray]:
    """Cut sequences into batches of about ``size`` utterances, in their order.

    Args:
        order: numbers of sequences, int64 [S].
        counts: utterances in each sequence, by its number.

    Returns:
        Pieces of ``order``; a batch ends with the sequence that fills it.
    """
    total = np.cumsum(counts[order])
    batches, start, done = [], 0, 0
    while start < len(order):
        end = min(int(np.searchsorted(total, done + size)) + 1, len(order))
        batches.append(order[start:end])
        start, done = end, int(total[end - 1])
    return batches


def encode(model: Any, batch: TokenBatch, pooling: str, precision: str = "auto") -> torch.Tensor:
    """Encode and pool a batch: float32 [U, width].

    Args:
        model: gives ``last_hidden_state``.
        pooling: ``mean`` over an utterance's tokens, or ``cls``, the vector of a sequence's first
            token, for sequences of one utterance.
        precision: of the encoder's matrix products, ``float32`` or ``bfloat16``; ``auto`` is the
            latter on CUDA alone.
    """
    device = batch.utterance.device.type
    reduced = precision == "bfloat16" or (precision == "auto" and device == "cuda")
    with torch.autocast(device, dtype=torch.bfloat16, enabled=reduced):
        hidden = model(**batch.inputs).last_hidden_state  # [B, T, width]
    hidden = hidden.float()
    if pooling == "cls":
        return hidden[:, 0]
    pooled_over = batch.utterance >= 0  # [B, T]
    owner = batch.utterance[pooled_over]  # [tokens]
    totals = hidden.new_zeros(batch.utterances, hidden.shape[-1])
    totals = totals.index_add(0, owner, hidden[pooled_over])  # [U, width]
    counts = torch.bincount(owner, minlength=batch.utterances).clamp(min=1)
    return totals / counts.unsqueeze(1)
