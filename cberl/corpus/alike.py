"""Names that look alike and are not the same."""

import re
import unicodedata
from collections.abc import Iterable

_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,20})?(e[+-]?\d{1,2})?")
_ACCENTS = re.compile("[\u0300-\u036f]")

DIFFERENCES = "case, blanks, accents, Unicode form or the spelling of a number"
"""What `fold_name` makes no difference of, for messages."""


def as_number(name: str) -> float | None:
    """The number that a name is, if it is one."""
    return float(name) if _NUMBER.fullmatch(name) else None


def fold_name(name: str) -> str:
    """What is left of a name without case, the number of blanks, accents, the Unicode form of its
    letters, characters that cannot be seen and, of a number, its spelling."""
    number = as_number(name)
    if number is not None:
        return str(number)
    text = _ACCENTS.sub("", unicodedata.normalize("NFKD", name)).casefold()
    text = "".join(sign for sign in text if unicodedata.category(sign) not in ("Cf", "Cc"))
    return " ".join(text.split()) or text


def alike(names: Iterable[str]) -> list[list[str]]:
    """Groups of different names that `fold_name` makes one, in the order that they occur in."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(fold_name(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]
