"""Running one function in a process on every core at once, timed from the same moment."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

CORES = os.cpu_count() or 1
LONGEST_LOADING_S = 300
_starting_line: Any = None


def start_clock() -> float:
    """Wait until the processes beside this one have loaded what they need; the time then."""
    if _starting_line is not None:
        _starting_line.wait(LONGEST_LOADING_S)
    return time.perf_counter()


def keep_to_one_thread() -> None:
    """Keep the libraries of this process to one thread each."""
    import cv2

    from cberl.seeding import limit_threads

    limit_threads(1)
    cv2.setNumThreads(1)


@contextmanager
def one_process_per_core() -> Iterator[Callable[..., list[Any]]]:
    """Give a function that runs another one in a process of one thread on each core.

    The processes stay for as long as the block lasts. What runs in them calls `start_clock` once.
    """
    context = multiprocessing.get_context("spawn")
    line = context.Barrier(CORES)
    with ProcessPoolExecutor(CORES, context, _prepare, (line,)) as pool:

        def run(function: Callable[..., Any], *arguments: Any) -> list[Any]:
            jobs = [pool.submit(function, *arguments) for _ in range(CORES)]
            return [job.result() for job in jobs]

        yield run


def _prepare(starting_line: Any) -> None:
    global _starting_line
    _starting_line = starting_line
    keep_to_one_thread()
