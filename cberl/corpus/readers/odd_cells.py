"""Notices about cells that are read as they stand, though this is unlikely to be meant."""

import re
from collections.abc import Iterator

import pandas as pd

from cberl.corpus.alike import DIFFERENCES, alike, as_number
from cberl.corpus.label_names import joined_labels, misspelt_labels
from cberl.corpus.readers.column_names import as_yaml

MOST_SHOWN = 5
LONGEST_USUAL_S = 60.0
"""Median length of utterances above which times are hardly in seconds."""

_NO_TEXT = ("nan", "NaN", "NA", "N/A", "None", "null", "NULL", "<NA>")
_NO_TEXT += ("#N/A", "#NAME?", "#VALUE!", "#REF!", "#DIV/0!")  # what spreadsheets have for a "=Hi"
_ODD_TEXTS = {
    "a letter that was lost when the file was written in another encoding": (
        # UTF-8 that was once read as cp1252 or Latin-1; the sign for what could not be read; ? in
        # place of letters that an encoding lacks.
        r"[ÂÃ][\x80-\xbf]|â€|\ufffd|\b[^\W\d_]+\?{1,2}[^\W\d_]{1,2}\b(?!=)"
        r"|(?<!\?)\?{2,}\s+\?{2,}|^\?{5,}$"
    ),
    "a letter or sign as web pages and programs write it": (
        r"&(?:#\d{2,6}|#x[0-9A-Fa-f]{2,5}|[a-z]{2,6});|</?(?:br|b|i|u|p|em|span|font|div)\b[^<>]*>"
        r"|\\[nrt]|\\u[0-9A-Fa-f]{4}"
    ),
}
"""What texts have in them -> its pattern."""
_ROUNDED = re.compile(r"\d([.,]\d+)?E\+?\d+", re.IGNORECASE)
_NUMBERED = re.compile(r"(.*?)(\d{1,15})(?:\.0)?", re.DOTALL)


def find_odd_cells(rows: pd.DataFrame) -> Iterator[str]:
    """List cells that are read as they are though this is unlikely to be meant.

    Args:
        rows: as of `cberl.corpus.readers.table.conversation_rows`.
    """
    yield from _find_odd_labels(rows["label"])
    yield from _find_odd_times(rows)
    for name in ("text", "speaker"):
        odd = rows[name].isin(_NO_TEXT)
        if odd.any():
            yield (
                f"{name} is {rows.loc[odd, name].iloc[0]!r} in {odd.sum()} rows, first "
                f"{rows.loc[odd, 'where'].iloc[0]}: read as it stands; empty the cell if it means "
                "that there is none"
            )
    for words, pattern in _ODD_TEXTS.items():
        signs = rows["text"].str.extract(f"({pattern})", expand=False).dropna()
        if len(signs):
            yield (
                f"text has {signs.iloc[0]!r} in it or the like in {len(signs)} rows, first "
                f"{rows.loc[signs.index[0], 'where']}: {words}; read as it stands"
            )
    for name in ("speaker", "dialogue"):
        yield from _find_alike(rows[name], name)
    rounded = rows["dialogue"].map(lambda name: bool(_ROUNDED.fullmatch(name)))
    if rounded.any():
        yield (
            f"dialogue is {rows.loc[rounded, 'dialogue'].iloc[0]!r} in {rounded.sum()} rows, first "
            f"{rows.loc[rounded, 'where'].iloc[0]}: a number that a spreadsheet rounded, so that "
            "several dialogues may have become one; read as it stands"
        )


def _find_odd_labels(labels: pd.Series) -> Iterator[str]:
    joined = joined_labels(labels)
    if joined:
        yield (
            f"labels {', '.join(map(repr, joined[:MOST_SHOWN]))} look like several at once, and "
            "are classes of their own; corpus.labels can rename them"
        )
    misspelt = misspelt_labels(labels)
    if misspelt:
        yield (
            f"labels {', '.join(map(repr, misspelt))} are rare, and nearly spelt like others; if "
            f"they are the same, write corpus.labels: {as_yaml(misspelt)}"
        )
    numbers = {name: as_number(name) for name in labels.dropna().unique()}
    names = [name for name, number in numbers.items() if number is None]
    decimals = [name for name, number in numbers.items() if number and number % 1]
    if 0 < len(names) < len(numbers):
        few_names = 2 * len(names) < len(numbers)
        few = names if few_names else [name for name in numbers if name not in names]
        yield (
            f"labels {', '.join(map(repr, few[:MOST_SHOWN]))} stand among "
            f"{'numbers' if few_names else 'names'}, and are classes of their own; corpus.labels "
            "can rename them"
        )
    elif decimals:
        yield (
            f"labels {', '.join(map(repr, decimals[:MOST_SHOWN]))} have decimals, and are classes "
            "of their own; if they are scores, corpus.score_edges cuts them"
        )


def _find_odd_times(rows: pd.DataFrame) -> Iterator[str]:
    usual = rows["annotated_duration_s"].median()
    if usual > LONGEST_USUAL_S:
        yield (
            f"an utterance lasts {usual:g} s in the median by start and end: are these seconds, "
            "not milliseconds or frames?"
        )
    no_time = rows["annotated_duration_s"] == 0
    if no_time.any():
        yield (
            f"end is start in {no_time.sum()} rows, first {rows.loc[no_time, 'where'].iloc[0]}: "
            "these utterances have no sound or picture"
        )


def _find_alike(names: pd.Series, column: str) -> Iterator[str]:
    groups = alike(names)
    if groups:
        more = f" (and {len(groups) - 1} more such groups)" if len(groups) > 1 else ""
        yield (
            f"{column}s {', '.join(map(repr, groups[0]))}{more} differ only in {DIFFERENCES}, and "
            f"are read as different {column}s; write each in one way if they are the same"
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
    unordered = pd.Series(True, rows.index)
    for order, steps in (
        ("the times", starts),
        (
            "the numbers in column utterance",
            numbers.astype(float).groupby([rows["dialogue"], stems]).diff(),
        ),
    ):
        unordered &= steps.isna()
        back = steps < 0
        if back.any():
            yield (
                f"rows of {rows.loc[back, 'dialogue'].nunique()} dialogues are not in the order of "
                f"{order}, first {rows.loc[back, 'where'].iloc[0]}: read as they stand; sort them "
                "if that is the order of speaking"
            )
    apart = rows["dialogue"].ne(rows["dialogue"].shift()) & rows["dialogue"].duplicated()
    apart &= unordered
    if apart.any():
        yield (
            f"rows of {rows.loc[apart, 'dialogue'].nunique()} dialogues stand apart from each "
            f"other, first {rows.loc[apart, 'where'].iloc[0]}, and neither times nor numbers "
            "show their order: the order of the rows is read as the order of speaking"
        )
