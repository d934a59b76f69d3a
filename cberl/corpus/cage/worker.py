"""The far side of a sandbox: a confined process that answers one request after another.

Run as ``python -m cberl.corpus.cage.worker TASK ANSWERS TIME_LIMIT_S``: TASK is
``module:function``, ANSWERS a file descriptor to write to. Requests come on the standard input.
A message is four bytes of length (big endian) and JSON; an answer's JSON holds under ``sizes`` the
lengths of the blobs that follow it. A task that yields has several answers, the last of which holds
``over`` and nothing else. Nothing is pickled: whatever a decoder may have overwritten in this
process, it cannot make the other one run anything.
"""

import importlib
import json
import os
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from cberl.corpus.cage.confinement import confine
from cberl.corpus.reasons import CRASHED, OUT_OF_MEMORY
from cberl.errors import InputError

LENGTH = struct.Struct(">I")
MEGABYTE = 1024 * 1024
Answer = tuple[dict[str, Any], list[bytes]]
Task = Callable[[dict[str, Any]], Answer | Iterator[Answer]]


def main() -> None:
    """Answer requests until the standard input ends."""
    name, answers_descriptor, time_limit_s = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    module, function = name.split(":")
    task = getattr(importlib.import_module(module), function)
    # What a library prints goes nowhere: among the answers it would do harm, and the log is a file.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    with os.fdopen(int(answers_descriptor), "wb") as answers:
        _send(answers, {"held_by": confine()}, [])
        while header := sys.stdin.buffer.read(LENGTH.size):
            request = json.loads(sys.stdin.buffer.read(LENGTH.unpack(header)[0]))
            # Ends with its time limit even if the other side has died and cannot stop it.
            signal.setitimer(signal.ITIMER_REAL, 2 * float(time_limit_s) + 1)
            for answer in _run(task, request):
                _send(answers, *answer)
                signal.setitimer(signal.ITIMER_REAL, 2 * float(time_limit_s) + 1)
            signal.setitimer(signal.ITIMER_REAL, 0)


def _run(task: Task, request: dict[str, Any]) -> Iterator[Answer]:
    try:
        made = task(request)
        if not isinstance(made, Iterator):
            facts, blobs = made
            yield {"facts": facts}, blobs
            return
        for facts, blobs in made:
            yield {"facts": facts}, blobs
        yield {"over": True}, []
    except MemoryError as error:
        yield {"lost": OUT_OF_MEMORY, "detail": str(error) or "allocation refused"}, []
    except InputError as error:
        yield {"refused": " ".join(str(error).split())}, []
    except Exception as error:
        # Whatever a hostile file makes the task raise costs that file alone.
        detail = f"{type(error).__name__}: {error}"
        yield {"lost": CRASHED, "detail": detail, "trace": traceback.format_exc()}, []


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
