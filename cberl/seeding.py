"""Seeds and thread counts, set once per job."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from cberl.errors import InputError


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch and ask torch for deterministic kernels.

    The same seed on the same machine with the same number of threads gives the same bytes.
    """
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The same flag as use_deterministic_algorithms(warn_only=True) without its compiler's import.
    torch.set_deterministic_debug_mode("warn")
    torch.backends.cudnn.benchmark = False


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Seed everything inside of the block; random states and flags are as before after it."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()
    mode, benchmark = torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            seed_everything(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_deterministic_debug_mode(mode)
        torch.backends.cudnn.benchmark = benchmark


def limit_threads(threads: int) -> None:
    """Keep this process, torch and tokenisers in it, to ``threads`` threads.

    Tokenisers follow if none has split a batch of texts before: their threads are started then.
    """
    import torch

    for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(threads)
    torch.set_num_threads(threads)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use ``count`` threads inside of the block; after it as many as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose_device(device: str) -> str:
    """Turn the setting ``auto``, ``cpu`` or ``cuda`` into a torch device name.

    Raises:
        InputError: it is none of these, or torch finds no GPU for ``cuda``.
    """
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device is {device!r}; expected auto, cpu or cuda")
    if device == "cpu":
        return device
    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise InputError("device is cuda, but torch finds no GPU here; expected auto or cpu")
    return "cpu"
