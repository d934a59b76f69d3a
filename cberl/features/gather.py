"""Joining shards of features into one table per split."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.artifacts import read_header, read_matrix, read_table
from cberl.errors import InputError
from cberl.features.feature_rows import feature_rows
from cberl.features.tables import FEATURES
from cberl.modalities import SPLITS


def gather_shards(
    utterances: pd.DataFrame, shards: Sequence[str | Path]
) -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    """Put the rows of all shards into the corpus's order, cut by split.

    Args:
        utterances: columns utterance_id and split, in the corpus's order.
        shards: tables of features that together hold every utterance once.

    Returns:
        split -> (frame [utterance_id, available, is_synthetic], float32 [rows, width], NaN where
        unavailable).

    Raises:
        InputError: an utterance is missing, unknown or held twice; shards differ in width.
    """
    ids = utterances["utterance_id"].to_numpy(dtype=object)
    index = pd.Index(ids)
    features: np.ndarray | None = None
    seen = np.zeros(len(ids), dtype=bool)
    for path in shards:
        own = read_table(path, FEATURES, ["utterance_id"])["utterance_id"]
        matrix = read_matrix(path, "features")
        if features is None:
            features = np.full((len(ids), matrix.shape[1]), np.nan, dtype=np.float32)
        if matrix.shape[1] != features.shape[1]:
            raise InputError(
                f"{path}: features are {matrix.shape[1]} wide, others {features.shape[1]}"
            )
        rows = index.get_indexer(own)
        if (rows < 0).any():
            raise InputError(f"{path}: has row {own[int(np.argmin(rows))]}, not in the corpus")
        if seen[rows].any():
            raise InputError(f"{path}: row {own[int(np.argmax(seen[rows]))]} is in another shard")
        features[rows] = matrix
        seen[rows] = True
    if features is None or not seen.all():
        raise InputError(f"no shard of features has row {ids[int(np.argmin(seen))]}")
    splits = utterances["split"].to_numpy()
    gathered = {}
    for split in SPLITS:
        rows = splits == split
        gathered[split] = (feature_rows(ids[rows], features[rows]), features[rows])
    return gathered


def common_facts(shards: Sequence[str | Path]) -> Mapping[str, Any]:
    """What the shards say of their encoder.

    Raises:
        InputError: they do not all say the same.
    """
    facts = [read_header(path)["metadata"] for path in shards]
    for path, own in zip(shards, facts, strict=True):
        if own != facts[0]:
            raise InputError(f"{path}: was made by another encoder than {shards[0]}")
    return facts[0]
