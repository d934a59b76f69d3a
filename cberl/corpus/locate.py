"""Finding the file that an annotation names."""

import os
import re
import stat
import unicodedata
from functools import lru_cache
from pathlib import Path, PurePosixPath

from cberl.corpus import reasons

MEDIA_SUFFIXES = {
    **dict.fromkeys(
        (".wav", ".mp3", ".flac", ".ogg", ".m4a", ".aac", ".opus", ".wma", ".aiff"), "audio"
    ),
    **dict.fromkeys(
        (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".flv"), "video"
    ),
}
"""Suffix of media files, in lower case -> their content."""
SOUND_ALONE = {".wav", ".mp3", ".flac", ".aac", ".opus", ".aiff"}
"""Suffixes of formats without moving pictures; the other ones of sound are containers."""

_FOLDERS_KEPT = 256
_DRIVE = re.compile(r"[A-Za-z]:/")
_OUTSIDE = (
    "not under the corpus root; link its folder into the root, or set corpus.root to a folder "
    "above both"
)


def find_file(root: Path, path: str | None) -> tuple[Path | None, str | None, str | None]:
    """Find the file that an annotation names.

    Links inside the corpus may lead anywhere, they are the owner's; a name may not. A name that
    no file has is also looked for with backslashes as slashes, in Unicode's composed form and
    without regard to capitals, as it comes from other systems; a note names what is found so.

    Returns:
        The file, with a note if its name differs; or None with a reason and its detail.
    """
    if not path:
        return None, reasons.MISSING, None
    # On Windows both part folders; elsewhere a backslash may belong to a name, which comes first.
    spellings = dict.fromkeys((path, path.replace("\\", "/")))
    answers = [_find_spelling(root, spelling, path) for spelling in spellings]
    return next((answer for answer in answers if answer[0] is not None), answers[-1])


def _find_spelling(
    root: Path, spelling: str, path: str
) -> tuple[Path | None, str | None, str | None]:
    root, named = root.absolute(), PurePosixPath(spelling)
    if named.is_absolute():
        base = next((base for base in (root, root.resolve()) if named.is_relative_to(base)), None)
        if base is None:
            return None, reasons.OUTSIDE_ROOT, f"{path}: {_OUTSIDE}"
        named = named.relative_to(base)
    if _DRIVE.match(spelling):
        return None, reasons.OUTSIDE_ROOT, f"{path}: {_OUTSIDE}"
    if ".." in named.parts:
        return None, reasons.OUTSIDE_ROOT, f"{path}: leads up with .."
    file = root / named
    try:
        mode = file.stat().st_mode
    except (OSError, ValueError) as error:
        found = _find_otherwise_called(root, named)
        if found is None:
            words = getattr(error, "strerror", None) or str(error)
            return None, reasons.MISSING, f"{path}: {words}"
        file, mode = found, found.stat().st_mode
    if not stat.S_ISREG(mode):
        return None, reasons.MISSING, f"{path}: is no regular file"
    called = file.relative_to(root)
    as_named = spelling == path and called == Path(named)
    return file, None, None if as_named else f"{path} found as {called}"


def _find_otherwise_called(folder: Path, named: PurePosixPath) -> Path | None:
    """The one file below a folder that has a name but for its form and its capitals."""
    for part in named.parts:
        try:
            names = _names_in(folder, folder.stat().st_mtime_ns).get(_folded(part), ())
        except (OSError, ValueError):
            return None
        if part in names:
            names = (part,)
        if len(names) != 1:
            return None
        folder = folder / names[0]
    return folder if folder.exists() else None


@lru_cache(maxsize=_FOLDERS_KEPT)
def _names_in(folder: Path, changed_ns: int) -> dict[str, tuple[str, ...]]:
    """What a folder holds since it changed last: folded name -> names."""
    names: dict[str, tuple[str, ...]] = {}
    for name in os.listdir(folder):
        names[_folded(name)] = (*names.get(_folded(name), ()), name)
    return names


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
