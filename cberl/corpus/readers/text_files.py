"""Annotation files as text, in an encoding that is known and never guessed."""

import codecs
import csv
import io
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cberl.corpus.foreign_files import refuse_foreign
from cberl.corpus.readers.bounds import LONGEST_CELL, check_column_count, read_bounded
from cberl.errors import InputError

C1_TO_UNICODE = {
    code: bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
"""C1 control codes -> what cp1252 has in their place: text that was once taken for Latin-1."""

DELIMITERS = {".tsv": "\t", ".csv": ","}
AUTO = "auto"
CONFIGURED, COMMAND_LINE = "corpus.", "--"
"""Where a user sets how a file is written: the section of a configuration, or options."""
_CONTROL_CODES = frozenset(map(chr, range(0x20))) - set("\t\n\r\f")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PACKED = b"PK\x03\x04"
_NAMED_DELIMITER = ["sep=", ""]
_NO_NAME = re.compile(r"\(column \d+\)|[\d.,:]+")
"""A column without a name, or a number or time in the place of one."""
_SAMPLE_BYTES = 1 << 16
_MOST_LIKELY = 3
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
_ASCII_LETTERS = re.compile(rb"[A-Za-z]")
_IN_COMMON_USE = (
    *("cp1252", "gb18030", "big5", "cp949", "cp932", "cp1251", "cp1250", "cp1253", "cp1254"),
    *("cp1255", "cp1256", "euc_jis_2004", "koi8_r"),
)
"""Encodings as the detector calls them, the commonest first."""


def written_setting(place: str, key: str, value: str) -> str:
    """A setting as its user writes it: ``corpus.columns: {a: b}`` or ``--columns '{a: b}'``.

    Args:
        place: what stands before the key: a section with a point, or `COMMAND_LINE`.
    """
    if place == COMMAND_LINE:
        return f"{place}{key} {shlex.quote(value)}"
    return f"{place}{key}: {value}"


def read_text(path: Path, encoding: str = AUTO, place: str = CONFIGURED) -> str:
    """Read a text file of the user's.

    Args:
        encoding: its encoding; `AUTO` is UTF-8, or that of a byte order mark.
        place: where the encoding is set, for messages; see `written_setting`.

    Raises:
        InputError: naming file, line and byte that cannot be decoded, and what encodings a
            detector considers likely.
    """
    refuse_foreign(path)
    content = read_bounded(path)
    if content.startswith(_PACKED):
        raise InputError(
            f"{path}: is a packed file, such as an Excel workbook; expected its own suffix "
            "(.xlsx), or text: save it as CSV UTF-8"
        )
    name = _encoding_by_mark(content) if encoding == AUTO else encoding
    try:
        text = content.decode(name)
    except UnicodeDecodeError as error:
        raise InputError(_undecodable(path, content, name, encoding, place, error)) from None
    except (LookupError, ValueError):  # no such encoding, or one that is not for text
        raise InputError(
            f"{place}encoding is {encoding!r}; expected auto or an encoding of Python's, such as "
            "gbk or cp1251"
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(
            f"{path}: line {line}: holds a zero byte; expected text (UTF-16 without a byte order "
            f"mark needs {written_setting(place, 'encoding', 'utf-16-le')} or utf-16-be)"
        )
    return text.removeprefix("\ufeff")


def read_archive_text(path: Path) -> str:
    """Read a text file of a public archive, which is UTF-8 or, in old copies, cp1252.

    Raises:
        InputError: it is neither, or its letters are of another alphabet; it holds a control
            character.
    """
    refuse_foreign(path)
    content = read_bounded(path)
    name = _encoding_by_mark(content)
    try:
        text = content.decode(name)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        if sum(map(len, _HIGH_BYTES.findall(content))) > len(_ASCII_LETTERS.findall(content)):
            likely = likely_encodings(content)
            held = f"a detector considers {' or '.join(likely)} likely; " if likely else ""
            raise InputError(
                f"{path}: line {line}: not UTF-8, and not cp1252, as few letters are of the Latin "
                f"alphabet; {held}expected UTF-8: save it as such"
            ) from None
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            raise InputError(
                f"{path}: neither UTF-8 nor cp1252 text (line {line}); expected one of the two"
            ) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if not _CONTROL_CODES.isdisjoint(line):
            raise InputError(f"{path}: line {number}: holds a control character; expected text")
    return text.removeprefix("\ufeff")


def _encoding_by_mark(content: bytes) -> str:
    return next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")


def _undecodable(
    path: Path, content: bytes, name: str, encoding: str, place: str, error: UnicodeDecodeError
) -> str:
    line = content[: error.start].decode(name, errors="replace").count("\n") + 1
    where = (
        f"{path}: line {line}, byte {error.start + 1} of the file (0x{content[error.start]:02X})"
    )
    if encoding != AUTO:
        return f"{where}: not {encoding}, which {place}encoding names"
    likely = likely_encodings(content)
    held = f"a detector considers {' or '.join(likely)} likely; " if likely else ""
    return f"{where}: not {name.upper()}; {held}expected UTF-8, or its name in {place}encoding"


def likely_encodings(content: bytes) -> list[str]:
    """Encodings that a detector considers likely, the likeliest first, at most three."""
    from charset_normalizer import from_bytes

    # ASCII is the same in all of them: lines of ASCII alone are no evidence.
    not_ascii = b"\n".join(line for line in content.split(b"\n") if not line.isascii())
    matches = sorted(
        from_bytes(not_ascii[:_SAMPLE_BYTES]),
        # For a short text many score the same: then those that are in common use come first.
        key=lambda match: (round(match.chaos, 2), -round(match.coherence, 2), _commonness(match)),
    )
    names = [match.encoding for match in matches]
    if all(len(run) == 1 for run in _HIGH_BYTES.findall(not_ascii)):
        # A letter or quote here and there among ASCII: not of a script of its own.
        names.insert(0, "cp1252")
    return list(dict.fromkeys(names))[:_MOST_LIKELY]


def _commonness(match: Any) -> int:
    known = match.encoding in _IN_COMMON_USE
    return _IN_COMMON_USE.index(match.encoding) if known else len(_IN_COMMON_USE)


def map_control_codes(text: str) -> str:
    """Put curly quotes, dashes and ellipses back where C1 control codes stand for them."""
    return text.translate(C1_TO_UNICODE)


def read_delimited(
    text: str, path: Path, delimiter: str, required: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a table with a header.

    A column without a name is called by its number. What spreadsheets leave is dropped: empty cells
    behind the last column, empty rows, and a first line that names the delimiter (``sep=;``).

    Args:
        text: the content of a file.
        path: its name, for messages.
        required: columns that must be there.

    Yields:
        number of the row's last line in the file (from 1), and its values by column.

    Raises:
        InputError: no rows, a column missing, a row with too few or too many values.
    """
    csv.field_size_limit(LONGEST_CELL)
    # newline="": otherwise line ends inside quotes would be changed.
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        filled = (row for row in lines if any(map(str.strip, row)) and row != _NAMED_DELIMITER)
        first = [name.strip() for name in next(filled, [])]
        header = name_columns(first)
        if not header:
            raise InputError(f"{path}: is empty; expected a header and rows")
        for name in required:
            if name not in header:
                raise InputError(
                    f"{path}: has no column {name}; found {', '.join(header)}"
                    f"{separator_hint(header, delimiter)}"
                )
        check_column_count(path, len(header))
        for name, count in Counter(header).items():
            if count > 1:
                raise InputError(
                    f"{path}: column {name!r} appears twice in the header; expected each name once"
                )
        rows = 0
        for values in filled:
            while len(values) > len(header) and not values[-1].strip():
                values.pop()
            if len(values) != len(header):
                raise InputError(
                    f"{path}: line {lines.line_num}: {len(values)} values; expected {len(header)}, "
                    f"one per column{_mismatch_hint(len(values), header, delimiter)}"
                )
            if [value.strip("\ufeff \t") for value in values] == first:
                raise InputError(
                    f"{path}: line {lines.line_num}: is the header once more; expected rows alone "
                    "under the first (as where files are joined)"
                )
            rows += 1
            _refuse_swallowed_rows(values, header, delimiter, f"{path}: line {lines.line_num}")
            yield lines.line_num, dict(zip(header, values, strict=True))
    except csv.Error as error:
        if "field larger than" in str(error):
            raise InputError(
                f"{path}: line {lines.line_num}: holds a cell of more than {LONGEST_CELL} "
                "characters; expected shorter ones, and an end to every quote that begins a cell"
            ) from None
        raise InputError(
            f"{path}: line {lines.line_num}: {error}; expected a cell that begins with a quote to "
            "end with one, and quotes inside of it doubled"
        ) from None
    if not rows:
        raise InputError(f"{path}: has no rows under its header; expected at least one")


def _refuse_swallowed_rows(
    values: Sequence[str], header: Sequence[str], delimiter: str, where: str
) -> None:
    """Refuse a cell that holds whole rows: one of another row ends the quote that it begins with.

    Only of tabs, which a text hardly has itself.
    """
    for name, value in zip(header, values, strict=True):
        breaks = len(value.splitlines()) - 1
        if delimiter == "\t" and 0 < breaks * (len(header) - 1) == value.count("\t"):
            raise InputError(
                f"{where}, column {name}: holds tabs and line breaks as {breaks} more rows have "
                "them; expected a cell that begins with a quote to end with one, and quotes inside "
                "of it doubled"
            )


def find_delimiter(text: str, suffix: str) -> str:
    """The delimiter of a table's columns.

    That which a first line ``sep=;`` names, as Excel has it. Else a tab in .tsv; in .csv a comma,
    or in a file whose header has none a semicolon, which spreadsheets write where the comma is the
    decimal sign, or a tab.

    Args:
        text: the content of a file.
        suffix: of its name, in small letters: one of `DELIMITERS`.
    """
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    named = re.fullmatch("sep=(.)", header)
    if named:
        return named[1]
    others = [sign for sign in ";\t" if sign in header] if suffix == ".csv" else []
    return others[0] if others and DELIMITERS[suffix] not in header else DELIMITERS[suffix]


def separator_hint(header: Sequence[str], delimiter: str) -> str:
    """What to add to an error about columns, if most of the first row is no name of one."""
    if delimiter and len(header) == 1:
        return f"; expected columns separated by {delimiter!r}, their names in the first row"
    unnamed = [name for name in header if _NO_NAME.fullmatch(name)]
    return "; expected the names of the columns in the first row" if len(unnamed) > 1 else ""


def _mismatch_hint(values: int, header: Sequence[str], delimiter: str) -> str:
    """What to add to an error about the number of values in a row."""
    if values > len(header) > 1:
        return (
            f"; expected quotes around a cell with {delimiter!r} in it, and a name for every column"
        )
    return separator_hint(header, delimiter)


def name_columns(header: Sequence[str]) -> list[str]:
    """Name columns that have no name by their number, from 1."""
    return [name or f"(column {number})" for number, name in enumerate(header, start=1)]


def _is_empty(cell: object) -> bool:
    return cell is None or cell != cell or not str(cell).strip()  # NaN is not itself


def drop_empty_unnamed(values: dict[str, list]) -> dict[str, list]:
    """Drop columns that `name_columns` named and that are empty throughout.

    Spreadsheets leave such behind the last column when they export a table.
    """
    return {
        name: cells
        for number, (name, cells) in enumerate(values.items(), start=1)
        if name != f"(column {number})" or not all(map(_is_empty, cells))
    }
