"""A job's processes end with what started them: none writes on after Snakemake has ended."""

import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import psutil


def end_with_snakemake(is_script: bool = False) -> None:
    """End this process and its children as soon as a Snakemake above it has ended (Linux).

    A run that was killed would otherwise leave jobs behind that write the files of the next
    one. Between a job and the Snakemake that was started by hand there may be others, one for
    each group of jobs; they end too, since on the failure of their job they would remove its
    output, which may be the next run's by then.

    Args:
        is_script: Snakemake started this process, or a Python that calls Snakemake.

    Raises:
        SystemExit: it is a script, and what started it has ended already.
    """
    parents = psutil.Process().parents()
    if is_script and not any(map(_is_python, parents)):
        # The system has handed it on to a process of its own.
        sys.exit("Snakemake ended before this job began")
    above = [process for process in parents if _is_snakemake(process)]
    end_with([process.pid for process in above])


def end_with(pids: Sequence[int]) -> None:
    """End this process, its children and the processes ``pids`` once one of ``pids`` has ended.

    A thread of its own watches for as long as this process lives.
    """
    if not hasattr(os, "pidfd_open"):
        return
    try:
        # These stand for the process and for no later one of the same number.
        handles = [os.pidfd_open(pid) for pid in pids]
    except ProcessLookupError:
        sys.exit("Snakemake ended as this job began")
    except OSError as error:
        logging.warning("does not end with its parents: cannot watch them: %s", error.strerror)
        return
    if handles:
        threading.Thread(target=_watch, args=(handles,), daemon=True).start()


def _watch(handles: list[int]) -> None:
    poll = select.poll()
    for handle in handles:
        poll.register(handle, select.POLLIN)
    poll.poll()
    for handle in handles:
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        except ProcessLookupError:
            continue
    me = psutil.Process()
    for process in [*me.children(recursive=True), me]:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def _is_snakemake(process: psutil.Process) -> bool:
    """Whether a process is a Python that runs Snakemake, and not a shell that names it."""
    started = [Path(argument).name for argument in _command(process)[1:5]]
    return _is_python(process) and "snakemake" in started


def _is_python(process: psutil.Process) -> bool:
    return Path(_command(process)[0]).name.startswith("python")


def _command(process: psutil.Process) -> list[str]:
    """Program and arguments; a program without a name if the process has ended."""
    try:
        return process.cmdline() or [""]
    except psutil.Error:
        return [""]
