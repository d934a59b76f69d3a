"""Times as annotations write them."""

import re

_CLOCK = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[,.](\d{1,6}))?")
# As programs write them: 83.5, but also 0.30000000000000004 and 5e-05.
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,20})?(e-\d{1,3})?")


def parse_clock(time: str) -> float | None:
    """Seconds of ``H:MM:SS,mmm`` (comma or point, digits behind it a fraction); None if unread."""
    match = _CLOCK.fullmatch(time.strip())
    if match is None:
        return None
    hours, minutes, seconds = (int(match[group]) for group in (1, 2, 3))
    return hours * 3600 + minutes * 60 + seconds + float(f"0.{match[4] or 0}")


def parse_time(time: str) -> float | None:
    """Seconds of ``83.5`` or ``0:01:23.5``; None if it is neither."""
    return float(time) if _SECONDS.fullmatch(time) else parse_clock(time)
