"""Timing two ways of doing a thing in turn, so that what the machine does besides meets both."""

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from cberl.fitting.dropout import Dropout


def median_seconds(
    first: Callable[[], object], second: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Median wall time of either over ``rounds`` rounds, after one that is not counted.

    What was given to a GPU is waited for.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        for run, taken in zip((first, second), times, strict=True):
            started = time.perf_counter()
            run()
            if torch.cuda.is_initialized():
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - started)
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


def read_arguments(about: str) -> argparse.Namespace:
    """The command line of a script that does nothing but compare: ``rounds`` and ``device``.

    Args:
        about: the script's docstring, whose first line ``--help`` shows.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="timed epochs; more steady a ratio")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    return parser.parse_args()


def with_torch_dropout(network: nn.Module) -> nn.Module:
    """The same network, each dropout of ours replaced by torch's, which a bare loop has."""
    for module in list(network.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, Dropout):
                setattr(module, name, nn.Dropout(layer.p))
    return network


def peak_memory(device: str) -> dict[str, float]:
    """Peak memory so far in GiB, by what it is called: of this process, or of tensors on a GPU."""
    if device == "cuda":
        return {"peak GPU memory, GiB": torch.cuda.max_memory_allocated() / 2**30}
    return {"peak memory, GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def section_of(name: str, device: str) -> str:
    """The section of the page that a table made on a device belongs into."""
    return name if device == "cpu" else f"{name}-gpu"
