"""Fusing a whole split, as it is and as if a modality had never been recorded."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.features.read_rows import group_by_split, open_rows
from cberl.oversample.dialogue_copies import open_synthetic
from cberl.row_files import RowFiles
from cberl.rows import LabelledRows
from cberl.tables import NOTHING_REMOVED

Fuse = Callable[[LabelledRows], np.ndarray]
"""N utterances -> float32 [N, Z]."""


def fuse_splits(
    features: Iterable[str | Path], scaler: str | Path, synthetic: str | Path, fuse: Fuse
) -> Iterator[tuple[str, Iterator[tuple[pd.DataFrame, np.ndarray]]]]:
    """Read and fuse one split after the other; synthetic rows follow the training rows.

    Args:
        features: tables FEATURES of all splits and modalities.
        scaler: see `cberl.features.read_rows.open_rows`.
        synthetic: table SYNTHETIC.

    Yields:
        A split's name, and what `fuse_split` makes of it.

    Raises:
        InputError: see `open_rows` and `open_synthetic`.
    """
    for split, paths in group_by_split(features).items():
        rows = open_rows(paths, scaler)
        pieces = fuse_split(rows, split, fuse)
        if split == "train":
            samples = open_synthetic(synthetic, rows.modalities)
            pieces = chain(pieces, fuse_split(samples, split, fuse, synthetic=True))
        yield split, pieces


def fuse_split(
    rows: LabelledRows | RowFiles, split: str, fuse: Fuse, synthetic: bool = False
) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """Fuse one split into rows of table LATENTS, piece by piece.

    Dev and test rows come once more for each modality removed, if there is more than one;
    training rows come once.

    Args:
        split: train, dev or test.
        synthetic: whether the rows are.

    Yields:
        Rows of the table without their vectors, and the vectors: float32 [rows, Z].
    """
    removals = [NOTHING_REMOVED]
    if split != "train" and len(rows.modalities) > 1:
        removals += rows.modalities
    for removed in removals:
        for piece in rows.pieces():
            kept = piece if removed == NOTHING_REMOVED else piece.without(removed)
            frame = pd.DataFrame(
                {
                    "utterance_id": kept.ids,
                    "removed": removed,
                    "available": kept.present,
                    "is_synthetic": synthetic,
                }
            )
            yield frame, fuse(kept)
