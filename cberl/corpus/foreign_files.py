"""Files that are not what their name promises, by their first bytes."""

from pathlib import Path

from cberl.errors import InputError

HEAD_BYTES = 512
_GIT_LFS = b"version https://git-lfs.github.com/spec/"
_SIGNATURES = {
    _GIT_LFS: "is a Git LFS pointer, not the file itself; run: git lfs pull",
    b"NIST_1A": "is a NIST SPHERE file, which is not read; convert it to WAV (sox a.sph a.wav)",
    b"<!doctype html": "is a web page, not the file itself; download it again",
    b"<html": "is a web page, not the file itself; download it again",
    b"\xd0\xcf\x11\xe0": "is a file of old Excel or Word; save it as .xlsx or as CSV UTF-8",
    b"\x00\x05\x16\x07": "is a file of macOS attributes (its name begins with ._), not the file "
    "itself",
}


def describe_foreign(path: str | Path) -> str | None:
    """Name what a file is that cannot be read as what it is called.

    Returns:
        None if it is none of those that are known, or cannot be opened.
    """
    try:
        with Path(path).open("rb") as handle:
            head = handle.read(HEAD_BYTES)
    except OSError:
        return None
    head = head.lstrip().lower() if head.lstrip()[:1] == b"<" else head
    return next((words for mark, words in _SIGNATURES.items() if head.startswith(mark)), None)


def refuse_foreign(path: Path) -> None:
    """Refuse a file that `describe_foreign` knows.

    Raises:
        InputError: naming the file, what it is and what to do.
    """
    words = describe_foreign(path)
    if words:
        raise InputError(f"{path}: {words}")
