"""Cutting a corpus into shards of whole dialogues."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd


def select_shard(utterances: pd.DataFrame, scatteritem: str) -> pd.DataFrame:
    """Select the dialogues of one shard.

    Dialogues are dealt like cards, in the order of the table: dialogue i (from 0) goes to shard
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
    """Number of the shard (from 1) that each utterance is dealt to: int64 [N].

    Args:
        dialogues: the dialogue of each utterance, in the order of the table.
    """
    return pd.factorize(pd.Series(dialogues))[0] % shards + 1
