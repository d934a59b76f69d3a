"""The far side of a sandbox: a process that answers one request after another, within limits.

Run as ``python -m cberl.corpus.media.worker TASK ANSWERS MEMORY_LIMIT_MB TIME_LIMIT_S``: TASK is
``module:function``, ANSWERS a file descriptor to write to. Requests come on the standard input.
A message is four bytes of length (big endian) and JSON; an answer's JSON says under ``sizes`` how
long the blobs are that follow it. Nothing is pickled: what a decoder may have overwritten in
here cannot make the other side run anything.
"""

import importlib
import json
import os
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from cberl.corpus.reasons import CRASHED, OUT_OF_MEMORY

LENGTH = struct.Struct(">I")
MEGABYTE = 1024 * 1024
Task = Callable[[dict[str, Any]], tuple[dict[str, Any], list[bytes]]]


def main() -> None:
    """Answer requests until the standard input ends."""
    name, answers_descriptor, memory_limit_mb, time_limit_s = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What a library prints must not end up among the answers or in the requests' way.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module, function = name.split(":")
    task = getattr(importlib.import_module(module), function)
    with os.fdopen(int(answers_descriptor), "wb") as answers:
        _send(answers, {"ready": True}, [])
        while header := sys.stdin.buffer.read(LENGTH.size):
            request = json.loads(sys.stdin.buffer.read(LENGTH.unpack(header)[0]))
            limit_memory(int(memory_limit_mb))
            # Outlives no clip even if the other side is gone and cannot stop it.
            signal.setitimer(signal.ITIMER_REAL, 2 * float(time_limit_s) + 1)
            _send(answers, *_run(task, request))
            signal.setitimer(signal.ITIMER_REAL, 0)


def limit_memory(megabytes: int) -> None:
    """Let this process's address space grow by ``megabytes`` from here on, no further (Linux)."""
    if sys.platform == "linux":
        with open("/proc/self/statm") as handle:
            pages = int(handle.read().split()[0])
        soft = pages * resource.getpagesize() + megabytes * MEGABYTE
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _run(task: Task, request: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    try:
        facts, blobs = task(request)
    except MemoryError as error:
        return {"lost": OUT_OF_MEMORY, "detail": str(error) or "allocation refused"}, []
    except Exception as error:
        # Whatever a hostile file makes the task raise costs that file alone.
        traceback.print_exc()
        return {"lost": CRASHED, "detail": f"{type(error).__name__}: {error}"}, []
    return {"facts": facts}, blobs


def _send(answers: BinaryIO, header: dict[str, Any], blobs: list[bytes]) -> None:
    header["sizes"] = [len(blob) for blob in blobs]
    encoded = json.dumps(header).encode()
    answers.write(LENGTH.pack(len(encoded)))
    answers.write(encoded)
    for blob in blobs:
        answers.write(blob)
    answers.flush()


if __name__ == "__main__":
    main()
