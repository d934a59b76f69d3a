"""Turns on a timeline of tiers, as annotation programs require them: no overlap within a tier."""

from dataclasses import dataclass

import pandas as pd

_NOT_IN_XML = "".join(map(chr, (*range(9), 11, 12, *range(14, 32), 127, 0xFFFE, 0xFFFF)))
_DROPPED = str.maketrans("", "", _NOT_IN_XML)


@dataclass(frozen=True)
class Tier:
    """Some turns of one speaker: ``rows`` are positions, ``times`` whole milliseconds."""

    name: str
    speaker: str
    rows: list[int]
    times: list[tuple[int, int]]


def lay_on_tiers(turns: pd.DataFrame) -> list[Tier]:
    """Give each speaker a tier, and a further one where their own turns overlap.

    Turns without times, or that end before they begin, are on none.

    Args:
        turns: rows of one conversation, of table TURNS.
    """
    tiers: dict[str, list[Tier]] = {}
    order = turns.sort_values(["start_s", "end_s"], kind="stable").index
    for row in order:
        times = milliseconds(turns["start_s"][row], turns["end_s"][row])
        if times is None:
            continue
        speaker = turns["speaker"][row]
        own = tiers.setdefault(speaker, [])
        free = next((tier for tier in own if tier.times[-1][1] <= times[0]), None)
        if free is None:
            free = Tier(_name(speaker, len(own), tiers), speaker, [], [])
            own.append(free)
        free.rows.append(int(row))
        free.times.append(times)
    return [tier for own in tiers.values() for tier in own]


def milliseconds(start_s: float, end_s: float) -> tuple[int, int] | None:
    """Start and end in whole milliseconds; None where there is no stretch of time."""
    if pd.isna(start_s) or pd.isna(end_s):
        return None
    start, end = round(start_s * 1000), round(end_s * 1000)
    return (start, end) if 0 <= start < end else None


def without_control(text: str) -> str:
    """Text without the control characters that XML cannot hold, in one line."""
    return " ".join(text.translate(_DROPPED).split())


def _name(speaker: str, number: int, tiers: dict[str, list[Tier]]) -> str:
    """A name that no other tier has; quotes would end a name in a TextGrid."""
    base = without_control(speaker).replace('"', "'") or "unknown"
    taken = {tier.name for own in tiers.values() for tier in own}
    name = base if number == 0 else f"{base} ({number + 1})"
    while name in taken:
        number += 1
        name = f"{base} ({number + 1})"
    return name
