"""Notices about cells that are read as they stand, though this is unlikely to be meant."""

import re
from collections.abc import Iterator

import pandas as pd

from cberl.corpus.alike import alike
from cberl.corpus.label_names import joined_labels

MOST_SHOWN = 5
LONGEST_USUAL_S = 120.0
"""Median length of utterances above which times are hardly in seconds."""

_NO_TEXT = ("nan", "NaN", "NA", "N/A", "None", "null", "NULL", "#N/A", "<NA>")
_GARBLED = re.compile("[ÂÃ][\x80-\xbf]|â€|\ufffd")
"""UTF-8 that was once read as cp1252 or Latin-1, and the sign for what could not be read."""
_NUMBERED = re.compile(r"(.*?)(\d{1,15})(?:\.0)?", re.DOTALL)


def find_odd_cells(rows: pd.DataFrame) -> Iterator[str]:
    """List cells that are read as they are though this is unlikely to be meant.

    Args:
        rows: as of `cberl.corpus.readers.table.conversation_rows`.
    """
    joined = joined_labels(rows["label"])
    if joined:
        yield (
            f"labels {', '.join(map(repr, joined[:MOST_SHOWN]))} look like several at once, and "
            "are classes of their own; corpus.labels can rename them"
        )
    usual = rows["annotated_duration_s"].median()
    if usual > LONGEST_USUAL_S:
        yield (
            f"an utterance lasts {usual:g} s in the median by start and end: are these seconds? "
            "Milliseconds would be a thousand times as much"
        )
    for name in ("text", "speaker"):
        odd = rows[name].isin(_NO_TEXT)
        if odd.any():
            yield (
                f"{name} is {rows.loc[odd, name].iloc[0]!r} in {odd.sum()} rows, first "
                f"{rows.loc[odd, 'where'].iloc[0]}: read as it stands; empty the cell if it means "
                "that there is none"
            )
    garbled = rows["text"].str.contains(_GARBLED)
    if garbled.any():
        sign = _GARBLED.search(rows.loc[garbled, "text"].iloc[0])[0]
        yield (
            f"text has {sign!r} in it or the like in {garbled.sum()} rows, first "
            f"{rows.loc[garbled, 'where'].iloc[0]}: a letter that was lost when the file was "
            "written in another encoding; read as it stands"
        )
    for name in ("speaker", "dialogue"):
        yield from _find_alike(rows[name], name)


def _find_alike(names: pd.Series, column: str) -> Iterator[str]:
    groups = alike(names)
    if groups:
        more = f" (and {len(groups) - 1} more such groups)" if len(groups) > 1 else ""
        yield (
            f"{column}s {', '.join(map(repr, groups[0]))}{more} differ only in case, blanks, the "
            f"Unicode form of their letters or the spelling of a number, and are read as different "
            f"{column}s; write each in one way if they are the same"
        )


def find_disorder(rows: pd.DataFrame) -> Iterator[str]:
    """List where rows of a dialogue are probably not in the order of speaking.

    Args:
        rows: as of `cberl.corpus.readers.table.conversation_rows`.
    """
    media = rows["media_path"].fillna("")
    starts = rows["media_start_s"].groupby([rows["dialogue"], media]).diff()
    parts = [_NUMBERED.fullmatch(name) for name in rows["utterance"]]
    stems = pd.Series([part[1] if part else "" for part in parts], rows.index)
    numbers = pd.Series([float(part[2]) if part else None for part in parts], rows.index)
    for order, steps in (
        ("the times", starts),
        (
            "the numbers in column utterance",
            numbers.astype(float).groupby([rows["dialogue"], stems]).diff(),
        ),
    ):
        back = steps < 0
        if back.any():
            yield (
                f"rows of {rows.loc[back, 'dialogue'].nunique()} dialogues are not in the order of "
                f"{order}, first {rows.loc[back, 'where'].iloc[0]}: read as they stand; sort them "
                "if that is the order of speaking"
            )
