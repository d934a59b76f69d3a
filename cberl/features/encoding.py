"""Token sequences as padded tensors, through an encoder, pooled into one vector each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from cberl.features.transformer import Transformer
from cberl.features.turns import TokenSequence


@dataclass(frozen=True)
class Batch:
    """B sequences padded to T tokens.

    Attributes:
        inputs: what the encoder takes: int64 [B, T] each.
        pooled_over: 1 at the tokens that mean pooling is over: float32 [B, T].
    """

    inputs: dict[str, torch.Tensor]
    pooled_over: torch.Tensor

    def to(self, device: str) -> "Batch":
        return Batch(
            {name: tensor.to(device) for name, tensor in self.inputs.items()},
            self.pooled_over.to(device),
        )


def collate(sequences: Sequence[TokenSequence], transformer: Transformer) -> Batch:
    """Pad sequences to the longest of them.

    Mean pooling is over the utterance's own segment where there are two, over all tokens where
    there is one: special tokens included, as sentence transformers are trained.
    """
    longest = max(len(sequence) for sequence in sequences)
    ids = np.full((len(sequences), longest), transformer.tokenizer.pad_token_id or 0)
    types, attended = np.zeros_like(ids), np.zeros_like(ids)
    pooled_over = np.zeros(ids.shape, dtype=np.float32)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence.ids
        types[row, : len(sequence)] = sequence.types
        attended[row, : len(sequence)] = 1
        pooled_over[row, sequence.start : sequence.end] = 1
    inputs = {"input_ids": ids, "attention_mask": attended}
    if "token_type_ids" in transformer.tokenizer.model_input_names:
        inputs["token_type_ids"] = types
    return Batch(
        {name: torch.from_numpy(array) for name, array in inputs.items()},
        torch.from_numpy(pooled_over),
    )


def encode(model: Any, batch: Batch, pooling: str) -> torch.Tensor:
    """Encode and pool a batch: float32 [B, width]; the encoder runs in bfloat16 on CUDA.

    Args:
        model: gives ``last_hidden_state``.
        pooling: ``mean`` (see `collate`), or ``cls``, the first token's vector.
    """
    device = batch.pooled_over.device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
        hidden = model(**batch.inputs).last_hidden_state  # [B, T, width]
    hidden = hidden.float()
    if pooling == "cls":
        return hidden[:, 0]
    mask = batch.pooled_over.unsqueeze(-1)  # [B, T, 1]
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1)
