"""Dealing dialogues to splits where a corpus has none of its own."""

import hashlib
from collections.abc import Iterable

import pandas as pd

from cberl.corpus.settings import CorpusSettings
from cberl.errors import InputError


def rank_dialogues(dialogues: Iterable[str], seed: int) -> list[str]:
    """Each dialogue once, in an order drawn by seed, whatever the order in which they come.

    The order is that of a digest of the seed and the name, so that a dialogue that is added to a
    corpus moves as few others as possible.
    """
    return sorted(
        set(dialogues), key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest()
    )


def set_aside(dialogues: Iterable[str], count: int, seed: int) -> list[str]:
    """Choose ``count`` dialogues by seed; see `rank_dialogues`.

    Raises:
        InputError: none would be left.
    """
    names = rank_dialogues(dialogues, seed)
    if count >= len(names):
        raise InputError(
            f"corpus: has {len(names)} dialogues to deal and {count} would be set aside; "
            "expected more dialogues, or a split for each"
        )
    return names[:count]


def count_of(share: float, total: int) -> int:
    """Dialogues that make up a share, at least one."""
    return max(1, round(share * total))


def deal_missing_splits(rows: pd.DataFrame, settings: CorpusSettings) -> pd.Series:
    """Give every row a split: what the corpus says, and the rest by seed.

    Without any split, dialogues are dealt to test, dev and train; with train and test but no dev,
    dev is dealt out of train.

    Args:
        rows: columns ``dialogue`` and ``split``, which is null in every row or in none.
        settings: ``dev_share`` and ``test_share`` of the dialogues (0 to 1), ``split_seed``.

    Raises:
        InputError: too few dialogues.
    """
    seed, splits = settings.split_seed, rows["split"]
    if splits.isna().all():
        dialogues = rows["dialogue"].unique()
        tests = count_of(settings.test_share, len(dialogues))
        devs = count_of(settings.dev_share, len(dialogues))
        aside = set_aside(dialogues, tests + devs, seed)
        dealt = dict.fromkeys(aside[:tests], "test") | dict.fromkeys(aside[tests:], "dev")
        return rows["dialogue"].map(lambda name: dealt.get(name, "train"))
    if (splits == "dev").any():
        return splits
    return deal_dev(rows, settings.dev_share, seed)


def deal_dev(rows: pd.DataFrame, share: float, seed: int) -> pd.Series:
    """Turn a share of the training dialogues (0 to 1) into dev."""
    dialogues = rows.loc[rows["split"] == "train", "dialogue"].unique()
    aside = set_aside(dialogues, count_of(share, len(dialogues)), seed)
    return rows["split"].mask((rows["split"] == "train") & rows["dialogue"].isin(aside), "dev")
