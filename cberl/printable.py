"""Text of others on a terminal."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters but tab and line feed, and what else ends a line."""


def has_control(text: str) -> bool:
    """Whether a name has a control character or a line break in it."""
    return bool(_CONTROL.search(text)) or "\n" in text or "\t" in text


def printable(text: str) -> str:
    """The text with its control characters written out: an escape sequence is seen, not obeyed."""
    return _CONTROL.sub(lambda found: ascii(found.group())[1:-1], text)
