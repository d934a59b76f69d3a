"""A job's threads."""

import os
import subprocess
import sys

import pytest

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
