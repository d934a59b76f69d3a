"""Excel's workbooks as tables: the first sheet, its first row the header."""

from collections import Counter
from pathlib import Path
from typing import Any

from cberl.corpus.readers.bounds import check_column_count
from cberl.corpus.readers.text_files import drop_empty_unnamed, name_columns
from cberl.errors import InputError


def read_sheet(path: Path) -> tuple[list[str], dict[str, list[Any]]]:
    """Read the first sheet of a workbook.

    Returns:
        per row, where it stands ("row 7", as Excel counts); column -> value per row.

    Raises:
        InputError: openpyxl is not installed; no workbook; a column's name repeats; other sheets
            have the same header.
    """
    try:
        import openpyxl  # noqa: F401, pandas reads workbooks with it
    except ImportError:
        raise InputError(
            f"{path}: Excel workbooks are read with openpyxl, which is not installed; run: pip "
            "install openpyxl, or save the sheet as CSV UTF-8"
        ) from None
    frame, alike = _read_frames(path)
    if alike:
        raise InputError(
            f"{path}: sheets {', '.join(alike)} begin like the first one, which alone is read; "
            "expected all rows in it, with a column split where sheets are splits"
        )
    filled = frame.notna().any(axis=1)
    if not filled.any():
        raise InputError(f"{path}: the first sheet is empty; expected a header and rows")
    header, *rows = [
        (f"row {number + 1}", cells)
        for number, cells in zip(frame.index, frame.values.tolist(), strict=True)
        if filled[number]
    ]
    names = name_columns(["" if cell != cell else str(cell).strip() for cell in header[1]])
    check_column_count(path, len(names))
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(
                f"{path}: column {name!r} appears twice in the header; expected each name once"
            )
    values = {name: [cells[at] for _, cells in rows] for at, name in enumerate(names)}
    return [place for place, _ in rows], drop_empty_unnamed(values)


def _read_frames(path: Path) -> tuple[Any, list[str]]:
    """The first sheet, and the names of the others that have its first row."""
    import pandas as pd

    # keep_default_na: a label that reads NA is for the reader of labels to refuse.
    kept = {"header": None, "dtype": object, "keep_default_na": False, "na_values": [""]}
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            first, *others = book.sheet_names
            frame = book.parse(first, **kept)
            alike = [
                name for name in others if book.parse(name, nrows=1, **kept).equals(frame.head(1))
            ]
        return frame, [] if frame.empty else alike
    except MemoryError:
        raise
    except Exception as error:  # openpyxl raises whatever a broken file makes happen
        words = " ".join(str(error).split())
        raise InputError(f"{path}: not a whole Excel workbook ({words})") from None
