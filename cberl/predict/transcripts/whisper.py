"""What speech recognisers write: the JSON of Whisper and of WhisperX."""

import json
from pathlib import Path
from typing import Any

from cberl.corpus.readers.bounds import check_characters
from cberl.errors import InputError
from cberl.predict.transcripts.speakers import split_prefix
from cberl.predict.transcripts.turn_rows import Turn

EXPECTED = 'expected {"segments": [{"start": 0.0, "end": 1.5, "text": "..."}]}'


def read_whisper(text: str, path: Path) -> list[Turn]:
    """Read segments as turns; WhisperX names a segment's ``speaker``.

    A segment that the aligner could place nowhere has no times.

    Raises:
        InputError: not JSON, or none of the two programs'.
    """
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); {EXPECTED}") from None
    segments = content.get("segments") if isinstance(content, dict) else None
    if not isinstance(segments, list):
        raise InputError(f"{path}: has no list of segments; {EXPECTED}")
    return [_turn(segment, f"{path}: segment {number}") for number, segment in enumerate(segments)]


def _turn(segment: Any, where: str) -> Turn:
    if not isinstance(segment, dict):
        raise InputError(f"{where}: is no object; {EXPECTED}")
    text = segment.get("text") or ""
    speaker = segment.get("speaker") or ""
    if not isinstance(text, str) or not isinstance(speaker, str):
        raise InputError(f"{where}: text or speaker is no text; {EXPECTED}")
    check_characters(where, f"{speaker} {text}")
    text = " ".join(text.split())
    if not speaker:
        speaker, text = split_prefix(text)
    start_s, end_s = (_seconds(segment.get(name), name, where) for name in ("start", "end"))
    return Turn(start_s, end_s, speaker.strip(), text)


def _seconds(value: Any, name: str, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e7:
        raise InputError(f"{where}: {name} is {value!r}; expected seconds")
    return float(value)
