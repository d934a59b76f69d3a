"""Names in the order in which people number them."""

import re


def natural_key(name: str) -> list[tuple[int, str]]:
    """A key for sorting in which numbers inside of names count as numbers: clip2 before clip10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
