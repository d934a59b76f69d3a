"""Files that appear whole or not at all, whatever is killed and however the power goes."""

import errno
import fcntl
import glob
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cberl.errors import InputError

UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
"""Errors of the disk that is written to, and no others."""


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary file beside ``path``; sync and rename it when the block ends well.

    Raises:
        InputError: the file is empty.
        OSError: with the file's name, if the disk is full or cannot be written to.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_over(path)
    # A name of its own: two writers of one file must not write into each other's.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with temporary.open("xb") as held:
        try:
            _lock(held)
            yield temporary
            if not temporary.stat().st_size:
                raise InputError(f"{path}: nothing was written to it")
            _sync(temporary)
            temporary.replace(path)
            _sync(path.parent)
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
            # Libraries in C leave the file's name out.
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from None
        finally:
            temporary.unlink(missing_ok=True)


def _remove_left_over(path: Path) -> None:
    """Remove what killed writers of a file left behind; living ones have theirs locked."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError), left.open("r+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _lock(handle: BinaryIO) -> None:
    """Mark a temporary file as being written, where the file system has locks."""
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
