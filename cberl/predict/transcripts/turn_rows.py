"""Turns as every transcript reader gives them, and what becomes of those that do not fit."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

UNKNOWN_SPEAKER = "unknown"
TURN_COLUMNS = ("start_s", "end_s", "speaker", "text", "note")
TOLERANCE_S = 0.05
"""Times that programs round differ by less."""
DIGITS = 6
"""Decimals of times, microseconds: sums of minutes and seconds have errors below."""


@dataclass
class Turn:
    """One turn: times in seconds from the start of the recording (None where unknown).

    ``speaker`` is `UNKNOWN_SPEAKER` where nobody is named; ``notes`` list the corrections.
    """

    start_s: float | None
    end_s: float | None
    speaker: str
    text: str
    notes: list[str] = field(default_factory=list)


def to_frame(turns: list[Turn]) -> pd.DataFrame:
    """Turns as a table with the columns `TURN_COLUMNS`, in the order given."""
    return pd.DataFrame(
        {
            "start_s": pd.Series([turn.start_s for turn in turns], dtype=float).round(DIGITS),
            "end_s": pd.Series([turn.end_s for turn in turns], dtype=float).round(DIGITS),
            "speaker": pd.Series(
                [turn.speaker.strip() or UNKNOWN_SPEAKER for turn in turns], dtype=object
            ),
            "text": pd.Series([turn.text for turn in turns], dtype=object),
            "note": pd.Series(["; ".join(turn.notes) or None for turn in turns], dtype=object),
        }
    )


def order_turns(turns: pd.DataFrame, duration_s: float | None = None) -> pd.DataFrame:
    """Put turns into the order of speaking and note irregularities; none is dropped.

    A turn without times stays behind the one that it follows in the transcript. Turns that
    overlap stay as they are.

    Args:
        turns: columns `TURN_COLUMNS`.
        duration_s: length of the recording in seconds, if there is one and it is known.

    Returns:
        the same rows and columns, ordered by start.
    """
    notes: list[list[str]] = [[note] if isinstance(note, str) else [] for note in turns["note"]]
    start = turns["start_s"].to_numpy(dtype=float)
    end = turns["end_s"].to_numpy(dtype=float)
    placed = pd.Series(start).ffill().fillna(-np.inf).to_numpy()
    order = np.argsort(placed, kind="stable")
    latest = np.maximum.accumulate(np.concatenate([[-np.inf], placed[:-1]])) if len(turns) else []
    for row in range(len(turns)):
        if start[row] < latest[row]:
            notes[row].append("stood out of order in the transcript")
        notes[row] += _odd_times(start[row], end[row], duration_s)
    last_end = -np.inf
    for row in order:
        if start[row] < last_end - TOLERANCE_S:
            notes[row].append("overlaps a turn before it")
        if np.isfinite(end[row]):
            last_end = max(last_end, end[row])
    joined = pd.Series(["; ".join(own) or None for own in notes], index=turns.index, dtype=object)
    return turns.assign(note=joined).iloc[order].reset_index(drop=True)


def _odd_times(start_s: float, end_s: float, duration_s: float | None) -> list[str]:
    if np.isnan(start_s) or np.isnan(end_s):
        return ["no times: neither sound nor picture are read"]
    if end_s <= start_s:
        how = "as" if end_s == start_s else "before"
        return [f"ends {how} it begins: neither sound nor picture are read"]
    if duration_s is None or end_s <= duration_s + TOLERANCE_S:
        return []
    which = "begins" if start_s >= duration_s else "ends"
    return [f"{which} after the end of the recording ({duration_s:.2f} s)"]
