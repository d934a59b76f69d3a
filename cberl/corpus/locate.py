"""Where the file lies that an annotation names."""

import stat
from pathlib import Path, PurePosixPath

from cberl.corpus import reasons


def find_file(root: Path, path: str | None) -> tuple[Path | None, str | None, str | None]:
    """Find the file that an annotation names.

    Links inside the corpus may lead anywhere, they are the owner's; a name may not.

    Returns:
        The file; or None with a reason and words.
    """
    if not path:
        return None, reasons.MISSING, None
    named = PurePosixPath(path)
    if named.is_absolute():
        for base in (root.absolute(), root.resolve()):
            if named.is_relative_to(base):
                named = named.relative_to(base)
                break
        else:
            return None, reasons.OUTSIDE_ROOT, f"{path}: not under the corpus root"
    if ".." in named.parts:
        return None, reasons.OUTSIDE_ROOT, f"{path}: leads up with .."
    file = root.absolute() / named
    try:
        mode = file.stat().st_mode
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        return None, reasons.MISSING, f"{path}: {words}"
    if not stat.S_ISREG(mode):
        return None, reasons.MISSING, f"{path}: is no regular file"
    return file, None, None
