"""Text that is blank because none of its characters is visible."""

import unicodedata

_LOOK_EMPTY = "\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}\N{HANGUL CHOSEONG FILLER}" + (
    "\N{HANGUL JUNGSEONG FILLER}\N{BRAILLE PATTERN BLANK}"
)
"""Letters and symbols by their category, but empty to the eye."""


def is_blank(text: str | None) -> bool:
    """Whether text is absent, or made of white space, control and format characters and marks
    without a letter alone.

    Format characters (Unicode's category Cf) are zero-width spaces and joiners, byte order marks,
    soft hyphens and marks of direction.
    """
    return all(
        sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf", "Mn") or sign in _LOOK_EMPTY
        for sign in text or ""
    )
