"""Fusing a whole split, as it is and as if a modality had never been recorded."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.features.read_rows import group_by_split, read_rows
from cberl.oversample.dialogue_copies import read_synthetic
from cberl.rows import LabelledRows, join_rows
from cberl.tables import NOTHING_REMOVED

Fuse = Callable[[LabelledRows], np.ndarray]
"""N utterances -> float32 [N, Z]."""


def fuse_splits(
    features: Iterable[str | Path], scaler: str | Path, synthetic: str | Path, fuse: Fuse
) -> Iterator[tuple[str, pd.DataFrame, np.ndarray]]:
    """Read and fuse one split after the other; synthetic rows stand behind the training rows.

    Args:
        features: tables FEATURES of all splits and modalities.
        scaler: see `cberl.features.read_rows.read_rows`.
        synthetic: table SYNTHETIC.

    Yields:
        A split's name, and what `fuse_split` makes of it.

    Raises:
        InputError: see `read_rows` and `read_synthetic`.
    """
    for split, paths in group_by_split(features).items():
        rows = read_rows(paths, scaler)
        made = 0
        if split == "train":
            samples = read_synthetic(synthetic, rows.modalities)
            made = len(samples)
            rows = join_rows(rows, samples) if made else rows
        yield split, *fuse_split(rows, made, split, fuse)


def fuse_split(
    rows: LabelledRows, synthetic: int, split: str, fuse: Fuse
) -> tuple[pd.DataFrame, np.ndarray]:
    """Fuse one split into the rows of table LATENTS.

    Dev and test rows come once more for each modality removed, if there is more than one;
    training rows come once.

    Args:
        synthetic: how many rows at the end of ``rows`` are synthetic.
        split: train, dev or test.

    Returns:
        the table without its vectors, and the vectors: float32 [rows, Z].
    """
    removals = [NOTHING_REMOVED]
    if split != "train" and len(rows.modalities) > 1:
        removals += rows.modalities
    frames, matrices = [], []
    for removed in removals:
        kept = rows if removed == NOTHING_REMOVED else rows.without(removed)
        matrices.append(fuse(kept))
        frames.append(
            pd.DataFrame(
                {
                    "utterance_id": kept.ids,
                    "removed": removed,
                    "available": kept.present,
                    "is_synthetic": np.arange(len(kept)) >= len(kept) - synthetic,
                }
            )
        )
    return pd.concat(frames, ignore_index=True), np.concatenate(matrices)
