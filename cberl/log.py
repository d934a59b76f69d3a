"""A job's log, and progress that suits both a terminal and a file."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from cberl.printable import printable

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 10.0


def open_log(path: str | None) -> int | None:
    """Send everything that this process prints, native libraries included, to a file.

    Returns:
        a descriptor of what the standard error was before; None without a path.
    """
    terminal = None
    if path:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        terminal = os.dup(sys.stderr.fileno())
        os.dup2(handle, sys.stdout.fileno())
        os.dup2(handle, sys.stderr.fileno())
    handler = logging.StreamHandler()
    handler.setFormatter(_Printable("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    return terminal


def note_on_terminal() -> None:
    """Print warnings as notes on the standard error, where a command has results to print."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Printable("note: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _Printable(logging.Formatter):
    """Lines may quote a corpus, and Snakemake shows the log of a failed job on the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def log_error(message: str, terminal: int | None) -> None:
    """Log what ended the job; on the terminal if the log cannot hold it, as on a full disk.

    Args:
        terminal: what `open_log` returned.
    """
    line = printable(f"{time.strftime('%H:%M:%S')} error: {message}\n").encode()
    log = sys.stderr.fileno()
    try:
        os.write(log, line)
        if terminal is not None:
            os.fsync(log)
    except OSError:
        if terminal is not None:
            os.write(terminal, line)


@contextmanager
def unlogged() -> Iterator[None]:
    """Drop what is logged inside of the block, where no log was opened."""
    # Without any handler the first message would set up one that stays.
    handler = logging.NullHandler()
    logging.root.addHandler(handler)
    try:
        yield
    finally:
        logging.root.removeHandler(handler)


def progress(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Hand the items on, showing a bar on a terminal and a line now and then in a log.

    Args:
        total: how many items there will be.
        what: what is counted, in the plural ("clips").
    """
    if sys.stderr.isatty():
        from rich.progress import track

        yield from track(items, description=what, total=total)
        return
    started = reported = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - reported >= SECONDS_BETWEEN_LINES or count == total:
            reported = now
            logging.info("%d of %d %s in %.0f s", count, total, what, now - started)
