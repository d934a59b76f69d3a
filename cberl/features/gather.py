"""Joining shards of features into one table per split."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.artifacts import read_header, read_table, take_vectors, vector_width
from cberl.errors import InputError
from cberl.features.feature_rows import feature_rows
from cberl.features.tables import FEATURES

BYTES_AT_ONCE = 1 << 26
"""Bytes of vectors gathered at once; writing them takes three times as much memory."""


@dataclass(frozen=True)
class ShardedRows:
    """Where each utterance of a corpus, N in its order, stands among shards of features.

    Attributes:
        shards: tables of features.
        ids, splits: of the utterances, object [N].
        numbers, positions: shard and row in it, int64 [N].
        width: numbers in each vector.
    """

    shards: Sequence[str | Path]
    ids: np.ndarray
    splits: np.ndarray
    numbers: np.ndarray
    positions: np.ndarray
    width: int


def find_rows(utterances: pd.DataFrame, shards: Sequence[str | Path]) -> ShardedRows:
    """Find the rows of all utterances in the shards, without their vectors.

    Args:
        utterances: columns utterance_id and split, in the corpus's order.
        shards: tables of features that together hold every utterance once.

    Raises:
        InputError: an utterance is missing, unknown or held twice; shards differ in width.
    """
    ids = utterances["utterance_id"].to_numpy(dtype=object)
    index = pd.Index(ids)
    numbers = np.full(len(ids), -1, dtype=np.int64)
    positions = np.zeros(len(ids), dtype=np.int64)
    width = vector_width(shards[0], "features") if shards else 0
    for number, path in enumerate(shards):
        own = read_table(path, FEATURES, ["utterance_id"])["utterance_id"]
        own_width = vector_width(path, "features")
        if own_width != width:
            raise InputError(f"{path}: features are {own_width} wide, others {width}")
        rows = index.get_indexer(own)
        if (rows < 0).any():
            raise InputError(f"{path}: has row {own[int(np.argmin(rows))]}, not in the corpus")
        taken = numbers[rows] >= 0
        if taken.any():
            raise InputError(f"{path}: row {own[int(np.argmax(taken))]} is in another shard")
        numbers[rows], positions[rows] = number, np.arange(len(own))
    if (numbers < 0).any():
        raise InputError(f"no shard of features has row {ids[int(np.argmin(numbers))]}")
    splits = utterances["split"].to_numpy(dtype=object)
    return ShardedRows(shards, ids, splits, numbers, positions, width)


def gather_split(rows: ShardedRows, split: str) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """Put one split's rows of all shards into the corpus's order, piece by piece.

    Yields:
        (frame [utterance_id, available, is_synthetic], float32 [rows, width], NaN where
        unavailable); of a split without utterances, one piece without rows.
    """
    own = np.flatnonzero(rows.splits == split)
    at_once = max(1, BYTES_AT_ONCE // (4 * max(rows.width, 1)))
    for start in range(0, max(len(own), 1), at_once):
        wanted = own[start : start + at_once]
        features = np.full((len(wanted), rows.width), np.nan, dtype=np.float32)
        for number in np.unique(rows.numbers[wanted]):
            here = rows.numbers[wanted] == number
            positions = rows.positions[wanted[here]]
            features[here] = take_vectors(rows.shards[number], "features", positions)
        yield feature_rows(rows.ids[wanted], features), features


def common_facts(shards: Sequence[str | Path]) -> Mapping[str, Any]:
    """The facts about their encoder that all shards hold.

    Raises:
        InputError: they differ in this.
    """
    facts = [read_header(path)["metadata"] for path in shards]
    for path, own in zip(shards, facts, strict=True):
        if own != facts[0]:
            raise InputError(f"{path}: was made by another encoder than {shards[0]}")
    return facts[0]
