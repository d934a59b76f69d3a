"""What would stop a run halfway, found before it starts and shown in one line."""

import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from cberl.errors import InputError

PROBE_BYTES = 65536
TOLERANCE_S = 60.0
"""By how much the clock of a file server may be ahead of this machine's."""


def check_writable(folder: str | Path) -> None:
    """Write a small file into a folder, or into the next one above that exists.

    Raises:
        InputError: it cannot be written: no permission, a full disk or quota, read-only.
    """
    folder = Path(folder).absolute()
    while not folder.is_dir():
        folder = folder.parent
    probe = folder / f".cberl.{secrets.token_hex(4)}.part"
    try:
        probe.write_bytes(bytes(PROBE_BYTES))
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to: {error.strerror}") from None
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def check_names(paths: Iterable[str | Path]) -> None:
    """Refuse paths that the workflow could not name as inputs.

    Raises:
        InputError: a path has braces in it.
    """
    for path in map(str, paths):
        if "{" in path or "}" in path:
            raise InputError(
                f"{path}: has braces in its path, which Snakemake takes for wildcards; rename it, "
                "or name a link without braces"
            )


def check_readable(paths: Iterable[str | Path]) -> None:
    """Open every file that a run reads.

    Raises:
        InputError: one is missing or may not be read.
    """
    for path in paths:
        try:
            with Path(path).open("rb"):
                pass
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def check_dates(paths: Iterable[str | Path]) -> None:
    """Refuse files from the future: Snakemake would make again and again what is older than they.

    Raises:
        InputError: a file is dated later than now by this machine's clock.
    """
    latest = time.time() + TOLERANCE_S
    for path in paths:
        changed = Path(path).stat().st_mtime
        if changed > latest:
            dates = [
                f"{datetime.fromtimestamp(t, UTC):%Y-%m-%d %H:%M} UTC"
                for t in (changed, time.time())
            ]
            raise InputError(
                f"{path}: dated {dates[0]}, in the future by this machine's clock ({dates[1]});"
                " set the clock, or `touch` the file"
            )
