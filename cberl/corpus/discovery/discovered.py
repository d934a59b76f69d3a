"""What was found in a folder: enough to write a table and a configuration to start from."""

from dataclasses import dataclass, field
from typing import Any

from cberl.corpus.locate import MEDIA_SUFFIXES

COLUMNS = (
    *("dialogue", "utterance", "speaker", "text", "label", "split", "group"),
    *("media", "start", "end", "audio"),
)


@dataclass(frozen=True)
class Discovered:
    """A corpus that was recognised.

    Attributes:
        what: what it seems to be, in a sentence without its full stop.
        kind: section ``corpus.kind``.
        modalities: those that there is something for.
        settings: other keys of the section ``corpus`` that it needs.
        rows: of the table to write, columns of `COLUMNS`; None if the corpus has its own.
        remarks: what its owner should look at, a sentence each without its full stop.
    """

    what: str
    kind: str
    modalities: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, str]] | None = None
    remarks: tuple[str, ...] = ()


NO_VIDEO = "video is left out of modalities: some of the media files hold sound alone"


def modalities_of(suffixes: set[str]) -> tuple[str, ...]:
    """Modalities of media files by their suffixes; video files have sound too."""
    kinds = {MEDIA_SUFFIXES.get(suffix.lower()) for suffix in suffixes}
    if "video" in kinds and "audio" not in kinds:
        return ("audio", "video")
    return ("audio",) if "audio" in kinds else ()
