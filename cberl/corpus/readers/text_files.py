"""Annotation files as text: UTF-8 or cp1252, and nothing else."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from cberl.errors import InputError

C1_TO_UNICODE = {
    code: bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
"""C1 control codes -> what cp1252 has in their place: text that was once taken for Latin-1."""

_CONTROL_CODES = frozenset(map(chr, range(0x20))) - set("\t\n\r\f")


def read_text(path: Path) -> str:
    """Read a text file that is UTF-8 (with or without a byte order mark) or cp1252.

    Raises:
        InputError: it is neither, or is no text at all.
    """
    content = path.read_bytes()
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _CONTROL_CODES.isdisjoint(text):
            return text
    raise InputError(f"{path}: neither UTF-8 nor cp1252 text; expected one of the two")


def map_control_codes(text: str) -> str:
    """Put curly quotes, dashes and ellipses back where C1 control codes stand for them."""
    return text.translate(C1_TO_UNICODE)


def read_delimited(
    path: Path, delimiter: str, required: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a table with a header.

    Yields:
        number of the row's last line in the file (from 1), and its values by column.

    Raises:
        InputError: no rows, a column missing, a row with too few or too many values.
    """
    # newline="": otherwise line ends inside quotes would be changed.
    lines = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        if not header:
            raise InputError(f"{path}: is empty; expected a header and rows")
        for name in required:
            if name not in header:
                separated = f"; expected columns separated by {delimiter!r}" * (len(header) == 1)
                raise InputError(
                    f"{path}: has no column {name}; found {', '.join(header)}{separated}"
                )
        for name in header:
            if header.count(name) > 1:
                raise InputError(f"{path}: column {name!r} appears twice in the header")
        rows = 0
        for values in lines:
            if not any(values):
                continue
            if len(values) != len(header):
                raise InputError(
                    f"{path}: line {lines.line_num}: {len(values)} values; expected {len(header)}, "
                    "one per column"
                )
            rows += 1
            yield lines.line_num, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{path}: line {lines.line_num}: {error}; expected a cell that begins with a quote to "
            "end with one, and quotes inside of it doubled"
        ) from None
    if not rows:
        raise InputError(f"{path}: has no rows under its header; expected at least one")
