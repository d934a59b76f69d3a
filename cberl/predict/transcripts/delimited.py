"""Transcripts as tables: TSV or CSV with start, end, speaker and text."""

import re
from pathlib import Path

import numpy as np

from cberl.corpus.readers.text_files import (
    find_delimiter,
    map_control_codes,
    read_archive_text,
    read_delimited,
)
from cberl.corpus.readers.times import parse_time
from cberl.errors import InputError
from cberl.predict.transcripts.speakers import split_prefix
from cberl.predict.transcripts.turn_rows import Turn

REQUIRED = ("start", "end", "text")
_MINUTES = re.compile(r"(\d{1,3}):(\d{1,2}(?:[.,]\d{1,6})?)")
LONGEST_MEAN_TURN_S = 100.0
"""Whisper writes milliseconds: whole numbers, by which a mean turn would last longer than this."""


def read_delimited_turns(path: Path) -> list[Turn]:
    """Read columns start, end, text and, if it is there, speaker; others are passed over.

    Times are seconds (83.5) or clock times (0:01:23.5, 1:23.5); Whisper's own TSV has
    milliseconds. Without a column speaker, ``NAME:`` at the start of the text names one.

    Raises:
        InputError: a column is missing, a time cannot be read.
    """
    rows = [
        (line, {name.lower(): value.strip() for name, value in row.items()})
        for line, row in _rows_of(path)
    ]
    factor, notes = _unit(rows)
    turns = []
    for line, row in rows:
        start_s, end_s = (
            _seconds(row[name], f"{path}: line {line}, column {name}") for name in ("start", "end")
        )
        text = map_control_codes(" ".join(row["text"].split()))
        speaker = row.get("speaker", "")
        if "speaker" not in row:
            speaker, text = split_prefix(text)
        start_s = None if start_s is None else start_s * factor
        end_s = None if end_s is None else end_s * factor
        turns.append(Turn(start_s, end_s, map_control_codes(speaker), text, list(notes)))
    return turns


def _rows_of(path: Path) -> list[tuple[int, dict[str, str]]]:
    text = read_archive_text(path)
    rows = list(read_delimited(text, path, find_delimiter(text, path.suffix.lower())))
    found = list(rows[0][1])
    for name in REQUIRED:
        if name not in [column.lower() for column in found]:
            raise InputError(f"{path}: has no column {name}; found {', '.join(found)}")
    return rows


def _unit(rows: list[tuple[int, dict[str, str]]]) -> tuple[float, list[str]]:
    """Seconds in one unit of the file's times, and a note if that is no second."""
    own = {name for _, row in rows for name in row}
    times = [(row["start"], row["end"]) for _, row in rows]
    if own != set(REQUIRED) or not all(start.isdigit() and end.isdigit() for start, end in times):
        return 1.0, []
    mean = np.mean([int(end) - int(start) for start, end in times])
    return (0.001, ["times in milliseconds"]) if mean > LONGEST_MEAN_TURN_S else (1.0, [])


def _seconds(cell: str, where: str) -> float | None:
    if not cell:
        return None
    minutes = _MINUTES.fullmatch(cell)
    if minutes:
        return int(minutes[1]) * 60 + float(minutes[2].replace(",", "."))
    seconds = parse_time(cell)
    if seconds is None:
        raise InputError(f"{where}: is {cell!r}; expected seconds (83.5) or a time (0:01:23.5)")
    return seconds
