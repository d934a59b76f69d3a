"""A job's seeds and threads."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from cberl.errors import InputError
from cberl.seeding import choose_device, reproducible

SPLIT_TEXTS = """
import os, sys
from tokenizers import Tokenizer, models
from cberl.seeding import limit_threads

limit_threads(int(sys.argv[1]))
tokenizer = Tokenizer(models.WordLevel({"a": 0}, "a"))
before = len(os.listdir("/proc/self/task"))
tokenizer.encode_batch(["a"] * 1000)
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@pytest.mark.parametrize("threads", [1, 3])
def test_tokenisers_keep_to_the_threads_of_the_job(threads):
    """Three are more than some machines have cores: the number comes from the job alone."""
    unset = {"TOKENIZERS_PARALLELISM", "RAYON_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", SPLIT_TEXTS, str(threads)],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name not in unset},
    )
    assert int(done.stdout) == threads


def draw():
    return random.random(), float(np.random.random()), float(torch.rand(1))


def test_a_seed_decides_what_is_drawn_in_its_block():
    draws = []
    for seed in (0, 0, 1):
        with reproducible(seed):
            draws.append(draw())
    assert draws[0] == draws[1]
    assert all(first != other for first, other in zip(draws[0], draws[2], strict=True))


@pytest.mark.parametrize("ends", ["well", "with an error"])
def test_the_callers_random_states_and_flags_are_as_before(ends, monkeypatch):
    # The block sets both flags to the opposite of this.
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    mode = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("default")
    try:
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        try:
            with reproducible(3):
                assert torch.get_deterministic_debug_mode() == 1
                assert not torch.backends.cudnn.benchmark
                draw()
                if ends == "with an error":
                    raise KeyError
        except KeyError:
            pass
        assert torch.get_deterministic_debug_mode() == 0
        assert torch.backends.cudnn.benchmark
        after = draw()
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        assert after == draw()
    finally:
        torch.set_deterministic_debug_mode(mode)


@pytest.mark.parametrize(
    ("device", "gpu", "expected"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_a_device_is_chosen_from_what_there_is(monkeypatch, device, gpu, expected):
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    assert choose_device(device) == expected


def test_a_gpu_that_is_not_there_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match="device is cuda, but torch finds no GPU here"):
        choose_device("cuda")
