"""Rows as tensors."""

import torch
from torch import Tensor

from cberl.rows import LabelledRows


def to_tensors(
    rows: LabelledRows, device: str = "cpu"
) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    """Values float32 [N, width], availability bool [N], both by modality, and labels int64 [N]."""
    values = {name: torch.from_numpy(matrix).to(device) for name, matrix in rows.values.items()}
    available = {name: torch.from_numpy(mask).to(device) for name, mask in rows.available.items()}
    return values, available, torch.from_numpy(rows.labels).to(device)
