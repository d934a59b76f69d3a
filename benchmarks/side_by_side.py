"""Timing two ways of doing a thing in turn, so that what the machine does besides meets both."""

import argparse
import resource
import statistics
import time
from collections.abc import Callable


def median_seconds(
    first: Callable[[], object], second: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Median wall time of either over ``rounds`` rounds, after one that is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        for run, taken in zip((first, second), times, strict=True):
            started = time.perf_counter()
            run()
            taken.append(time.perf_counter() - started)
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


def read_rounds(about: str) -> int:
    """The command line of a script that does nothing but compare: ``--rounds``.

    Args:
        about: the script's docstring, whose first line is told by ``--help``.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument(
        "--rounds", type=int, default=15, help="timed epochs; more steady the ratio"
    )
    return parser.parse_args().rounds


def peak_gib() -> float:
    """Peak memory of this process so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
