"""Bounds on the size of files of annotations, against files made to exhaust the memory."""

from pathlib import Path

from cberl.corpus.annotations import PICKLE_SUFFIXES
from cberl.errors import InputError

MEGABYTE = 1024 * 1024
MOST_COLUMNS = 2000
LONGEST_CELL = 131_072
"""Characters; no utterance comes near it."""
MOST_TEXT_BYTES = 256 * MEGABYTE
"""Size of a file of text; MELD's largest has one megabyte."""
MOST_TIMES = 100
"""The most that a packed file may unpack to, by its size; text and features reach ten times."""
MOST_TIMES_OF_A_PICKLE = 8
"""The same of a pickle, whose numbers are hardly packed: a truth value is one byte of eight."""
ALWAYS_ALLOWED = 32 * MEGABYTE
"""Bytes that any packed file may unpack to beside."""


def bytes_allowed(path: Path) -> int:
    """Bytes that a packed file may unpack to."""
    pickled = path.suffix.lower() in PICKLE_SUFFIXES
    times = MOST_TIMES_OF_A_PICKLE if pickled else MOST_TIMES
    return ALWAYS_ALLOWED + times * path.stat().st_size


def check_column_count(path: str | Path, columns: int) -> None:
    """Refuse a table with too many columns.

    Raises:
        InputError: it has.
    """
    if columns > MOST_COLUMNS:
        raise InputError(f"{path}: has {columns} columns; expected at most {MOST_COLUMNS}")


def check_cell(where: str, column: str, cell: str) -> None:
    """Refuse a cell that is too long or holds what is no character.

    Raises:
        InputError: it does.
    """
    check_characters(f"{where}, column {column}", cell)
    if len(cell) > LONGEST_CELL:
        raise InputError(
            f"{where}, column {column}: holds {len(cell)} characters; expected at most"
            f" {LONGEST_CELL}"
        )


def check_characters(where: str, text: str) -> None:
    """Refuse text with halves of surrogate pairs, which JSON can hold and nothing else can.

    Raises:
        InputError: it has one.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = ascii(text[error.start])
        raise InputError(f"{where}: holds half of a character ({half}); expected text") from None


def read_bounded(path: Path) -> bytes:
    """Read a file of text.

    Raises:
        InputError: it is too large.
    """
    size = path.stat().st_size
    if size > MOST_TEXT_BYTES:
        raise InputError(f"{path}: holds {size} bytes; expected at most {MOST_TEXT_BYTES}")
    return path.read_bytes()
