"""Cutting a corpus into shards of whole dialogues."""

import math
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cberl.corpus.readers.bounds import MOST_TIMES

CLIPS_PER_SHARD = 500
TEXTS_PER_SHARD = 7000
"""Each some 25 s and more of work on one core, ten times what it takes to start the job: decoding a
clip takes 50 ms, encoding its text 4 ms with the smallest encoder."""


def count_shards(wanted: int | str, annotations: Sequence[Path]) -> tuple[int, int]:
    """Into how many shards a corpus is cut: (its clips, its texts).

    Powers of two, so that shards of a growing corpus seldom change.

    Args:
        wanted: the setting ``shards``.
        annotations: the corpus's annotation files; they alone are looked at, so that every process
            of a run finds the same numbers quickly.
    """
    utterances = sum(_count_rows(path) for path in annotations)
    clips = _power_of_two(utterances / CLIPS_PER_SHARD) if wanted == "auto" else int(wanted)
    return clips, min(clips, _power_of_two(utterances / TEXTS_PER_SHARD))


def _count_rows(path: Path) -> int:
    """About how many utterances a file has: its rows or lines; 0 if that cannot be read."""
    if path.parent.name == "EmoEvaluation":  # IEMOCAP's; the utterances are in its transcriptions
        return 0
    try:
        if path.suffix.lower() == ".parquet":
            # One that claims more would be cut into shards without end.
            return min(pq.read_metadata(path).num_rows, MOST_TIMES * path.stat().st_size)
        with path.open("rb") as handle:
            return sum(piece.count(b"\n") for piece in iter(partial(handle.read, 1 << 20), b""))
    except (OSError, pa.ArrowException):  # the job that reads the corpus reports what is wrong
        return 0


def _power_of_two(number: float) -> int:
    return 2 ** max(0, round(math.log2(max(number, 1))))


def select_shard(utterances: pd.DataFrame, scatteritem: str) -> pd.DataFrame:
    """Select the dialogues of one shard.

    Dialogues are assigned in turn, in the order of the table: dialogue i (from 0) goes to shard
    i mod n + 1. Every utterance is in exactly one shard; with more shards than dialogues some are
    empty.

    Args:
        utterances: table `UTTERANCES`.
        scatteritem: Snakemake's name of the shard, such as ``2-of-16``.

    Returns:
        the shard's rows in the order of the table, numbered from 0.

    Raises:
        ValueError: the name is not of that form.
    """
    match = re.fullmatch(r"(\d+)-of-(\d+)", scatteritem)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"shard {scatteritem!r} is not of the form 2-of-16")
    number, shards = int(match[1]), int(match[2])
    rows = shard_numbers(utterances["dialogue_id"], shards) == number
    return utterances[rows].reset_index(drop=True)


def shard_numbers(dialogues: Sequence[str], shards: int) -> np.ndarray:
    """Number of the shard (from 1) that each utterance is assigned to: int64 [N].

    Args:
        dialogues: the dialogue of each utterance, in the order of the table.
    """
    return pd.factorize(pd.Series(dialogues))[0] % shards + 1
