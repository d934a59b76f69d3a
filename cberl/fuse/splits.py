"""Fusing a whole split, as it is and as if a modality had never been recorded."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.features.featureset import FeatureSet, join, read_features
from cberl.modalities import SPLITS
from cberl.oversample.dialogue_copies import read_synthetic
from cberl.tables import NOTHING_REMOVED


def fuse_splits(
    features: Sequence[str | Path],
    scaler: str | Path,
    synthetic: str | Path,
    modalities: Sequence[str],
    fuse: Callable[[FeatureSet], np.ndarray],
) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """Read and fuse one split after the other; synthetic rows stand behind the training rows.

    Args:
        features: tables FEATURES, split by split in the order of `SPLITS`, each split's in the
            order of ``modalities``.
        scaler: see `cberl.features.featureset.read_features`.
        synthetic: table SYNTHETIC.
        fuse: features of N utterances -> float32 [N, Z].

    Yields:
        What `fuse_split` makes of each split.

    Raises:
        InputError: see `read_features` and `read_synthetic`.
    """
    for position, split in enumerate(SPLITS):
        first = position * len(modalities)
        paths = features[first : first + len(modalities)]
        rows = read_features(dict(zip(modalities, paths, strict=True)), scaler)
        made = 0
        if split == "train":
            samples, _ = read_synthetic(synthetic, modalities)
            made = len(samples)
            rows = join(rows, samples) if made else rows
        yield fuse_split(rows, made, split, fuse)


def fuse_split(
    features: FeatureSet,
    synthetic: int,
    split: str,
    fuse: Callable[[FeatureSet], np.ndarray],
) -> tuple[pd.DataFrame, np.ndarray]:
    """Fuse one split into the rows of table LATENTS.

    Dev and test rows come once more for each modality removed, if there is more than one;
    training rows come once.

    Args:
        synthetic: how many rows at the end of ``features`` are synthetic.
        split: train, dev or test.
        fuse: features of N utterances -> float32 [N, Z].

    Returns:
        the table without its vectors, and the vectors: float32 [rows, Z].
    """
    removals = [NOTHING_REMOVED]
    if split != "train" and len(features.modalities) > 1:
        removals += features.modalities
    frames, matrices = [], []
    for removed in removals:
        kept = features if removed == NOTHING_REMOVED else features.without(removed)
        matrices.append(fuse(kept))
        frames.append(
            pd.DataFrame(
                {
                    "utterance_id": kept.ids,
                    "removed": removed,
                    "available": np.any(list(kept.available.values()), axis=0),
                    "is_synthetic": np.arange(len(kept)) >= len(kept) - synthetic,
                }
            )
        )
    return pd.concat(frames, ignore_index=True), np.concatenate(matrices)
