"""Subtitles: SubRip (SRT) and WebVTT."""

import re
from collections.abc import Iterator
from pathlib import Path

from cberl.errors import InputError
from cberl.predict.transcripts.speakers import turns_of_cue
from cberl.predict.transcripts.turn_rows import Turn

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_SILENT_BLOCKS = ("NOTE", "STYLE", "REGION")


def read_subtitles(text: str, path: Path) -> list[Turn]:
    """Read SRT or WebVTT; the first line decides which of the two it is.

    Comments, styles, regions and cue settings are passed over. Numbers of subtitles may be
    missing or wrong.

    Raises:
        InputError: a line with an arrow in it has no times that can be read.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    is_webvtt = lines[0].startswith("WEBVTT")
    turns = []
    for start_s, end_s, payload in _cues(lines, path, is_webvtt):
        turns += turns_of_cue(start_s, end_s, "\n".join(payload), voice_tags=is_webvtt)
    return turns


def _cues(
    lines: list[str], path: Path, is_webvtt: bool
) -> Iterator[tuple[float, float, list[str]]]:
    """(start, end, lines of text) of each subtitle."""
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if is_webvtt and line.split(" ")[0].strip() in _SILENT_BLOCKS:
            while number < len(lines) and lines[number].strip():
                number += 1
        if "-->" not in line:
            continue
        start_s, end_s = _times(line, f"{path}: line {number}")
        payload = []
        while number < len(lines) and not _ends_cue(lines, number, is_webvtt):
            payload.append(lines[number])
            number += 1
        yield start_s, end_s, payload


def _ends_cue(lines: list[str], number: int, is_webvtt: bool) -> bool:
    """Whether a line is no text of the subtitle before it."""
    if is_webvtt and lines[number] == "":
        return True
    # In SRT only the number and the times of the next subtitle are certain ends of this one: its
    # text may have blank lines, and numbers or the blank line between the two may be missing.
    here, *after = (line.strip() for line in lines[number : number + 2])
    return "-->" in here or (here.isdigit() and bool(after) and "-->" in after[0])


def _times(line: str, where: str) -> tuple[float, float]:
    match = _TIMES.fullmatch(line)
    if match is None:
        raise InputError(f"{where}: {line.strip()[:60]!r}; expected 00:01:23,500 --> 00:01:25,000")
    return _seconds(match.groups()[:4]), _seconds(match.groups()[4:])


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")
