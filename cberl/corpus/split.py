"""Dividing a corpus without splits of its own into splits, and what stays together in that."""

import hashlib
from collections.abc import Iterable

import pandas as pd

from cberl.corpus.settings import CorpusSettings
from cberl.errors import InputError

DIALOGUE, SPEAKER, GROUP = "dialogue", "speaker", "group"
FEWEST_SPEAKERS = 3
"""One for each split: with fewer, splits without a common speaker are impossible."""


def rank_dialogues(dialogues: Iterable[str], seed: int) -> list[str]:
    """Each dialogue (or other group) once, in an order drawn by seed, whatever the given order.

    The order is that of a digest of the seed and the name, so that a dialogue that is added to a
    corpus moves as few others as possible.
    """
    return sorted(
        set(dialogues), key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest()
    )


def set_aside(names: Iterable[str], count: int, seed: int, what: str = DIALOGUE) -> list[str]:
    """Choose ``count`` dialogues, speakers or groups by seed; see `rank_dialogues`.

    Raises:
        InputError: none would be left.
    """
    ranked = rank_dialogues(names, seed)
    if count >= len(ranked):
        raise InputError(
            f"corpus: has {len(ranked)} {what}s, and {count} would be set aside; "
            f"expected more {what}s, or a split for each dialogue"
        )
    return ranked[:count]


def count_of(share: float, total: int) -> int:
    """The number of dialogues for a share, at least one."""
    return max(1, round(share * total))


def find_split_groups(rows: pd.DataFrame, settings: CorpusSettings) -> tuple[str, pd.Series]:
    """Decide what stays together when splits are drawn.

    Args:
        rows: columns ``dialogue``, ``speaker``, ``split``, which is null in every row or in none,
            and, if the corpus has it, ``group``.
        settings: ``split_by``.

    Returns:
        dialogue, speaker or group; and of each row the name of the one that it belongs to. Speakers
        who share a dialogue of a split are one, named after the first of them.

    Raises:
        InputError: there is no column ``group``, a row of it is empty, or a dialogue is in two
            groups.
    """
    by = settings.split_by
    has_groups = "group" in rows and rows["group"].notna().any()
    if by == "auto":
        single = rows.groupby("dialogue")["speaker"].nunique().max() == 1
        by = GROUP if has_groups else SPEAKER if single and _enough_speakers(rows) else DIALOGUE
    if by == DIALOGUE:
        return by, rows["dialogue"]
    if by == SPEAKER:
        parts = rows.groupby(rows["split"].fillna(""), group_keys=False)
        return by, pd.concat([_connected_speakers(part) for _, part in parts]).reindex(rows.index)
    if not has_groups:
        raise InputError(
            "corpus.split_by: group, but the corpus has no column group; expected one, or its name"
            " in corpus.columns: {session: group}"
        )
    empty = rows["group"].isna()
    if empty.any():
        raise InputError(f"{rows.loc[empty, 'where'].iloc[0]}: no group; expected one in each row")
    mixed = rows.groupby("dialogue")["group"].nunique()
    if mixed.max() > 1:
        raise InputError(
            f"dialogue {mixed.idxmax()} is in {mixed.max()} groups; expected the same group in all"
            " of its rows"
        )
    return by, rows["group"]


def _enough_speakers(rows: pd.DataFrame) -> bool:
    """Whether each split can have a speaker of its own, or, if given, the test split has two."""
    if rows["split"].isna().all():
        return rows["speaker"].nunique() >= FEWEST_SPEAKERS
    counts = rows.groupby("split")["speaker"].nunique()
    return counts.get("test", 0) > 1 and ("dev" in counts or counts.get("train", 0) > 1)


def _connected_speakers(rows: pd.DataFrame) -> pd.Series:
    """The first of the speakers that each row's speaker is connected with through dialogues."""
    first: dict[str, str] = {name: name for name in rows["speaker"]}

    def find(name: str) -> str:
        while first[name] != name:
            name = first[name]
        return name

    for speakers in rows.groupby("dialogue", sort=False)["speaker"].unique():
        roots = [find(name) for name in speakers]
        for root in roots[1:]:
            first[root] = roots[0]
    return rows["speaker"].map(find)


def draw_missing_splits(
    rows: pd.DataFrame, settings: CorpusSettings
) -> tuple[pd.DataFrame, str, list[str]]:
    """Give every row a split: the corpus's own where it has one, the others drawn by seed.

    Without any split, groups are drawn for test, dev and train; with train and test but no dev,
    dev is drawn from train.

    Args:
        rows: columns ``dialogue``, ``speaker``, ``split``, which is null in every row or in none,
            and ``group`` if the corpus has it.
        settings: ``split_by``, ``dev_share`` and ``test_share`` (0 to 1), ``split_seed``.

    Returns:
        The rows with ``split`` and ``split_group``; what the groups are (see
        `find_split_groups`); what was drawn, a line or none.

    Raises:
        InputError: too few groups; see also `find_split_groups`.
    """
    by, groups = find_split_groups(rows, settings)
    rows = rows.assign(split_group=groups)
    if rows["split"].isna().all():
        names = groups.unique()
        tests = count_of(settings.test_share, len(names))
        devs = count_of(settings.dev_share, len(names))
        aside = set_aside(names, tests + devs, settings.split_seed, by)
        drawn = dict.fromkeys(aside[:tests], "test") | dict.fromkeys(aside[tests:], "dev")
        notice = (
            f"there is no column split; drawn from {len(names)} {by}s: {tests} for test, {devs} "
            "for dev (corpus.split_by, test_share, dev_share, split_seed)"
        )
        return rows.assign(split=groups.map(lambda name: drawn.get(name, "train"))), by, [notice]
    if (rows["split"] == "dev").any():
        return rows, by, []
    splits = draw_dev(rows, settings.dev_share, settings.split_seed, by)
    devs = groups[splits == "dev"].nunique()
    notice = f"there is no dev split; training {by}s drawn for it: {devs} (corpus.dev_share)"
    return rows.assign(split=splits), by, [notice]


def draw_dev(rows: pd.DataFrame, share: float, seed: int, what: str = DIALOGUE) -> pd.Series:
    """Turn a share (0 to 1) of the training dialogues, speakers or groups into dev.

    Args:
        rows: columns ``split`` and ``split_group``, or without it ``dialogue``.
    """
    groups = rows["split_group"] if "split_group" in rows else rows["dialogue"]
    names = groups[rows["split"] == "train"].unique()
    aside = set_aside(names, count_of(share, len(names)), seed, what)
    return rows["split"].mask((rows["split"] == "train") & groups.isin(aside), "dev")
