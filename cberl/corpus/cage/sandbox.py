"""A second process for work on foreign files, restarted whenever it crashes or hangs.

It has no network, cannot start processes, writes nowhere but into its pipe, and has bounded time
and memory; `cberl.corpus.cage.confinement` describes how. Its environment is empty but for what
libraries need to start.
"""

import json
import logging
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import cberl
from cberl.corpus.cage import worker
from cberl.corpus.cage.confinement import SECCOMP
from cberl.corpus.reasons import CRASHED, OUT_OF_MEMORY, TIMED_OUT
from cberl.errors import InputError

START_LIMIT_S = 300.0
KEPT_OF_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL")
LARGEST_HEADER = 64 * worker.MEGABYTE
UNREADABLE_ANSWER = "gave an answer that cannot be read"
Check = Callable[[dict[str, Any], list[bytes]], None]


class Lost(Exception):
    """The work on one request was lost: ``reason`` (a code of `cberl.corpus.reasons`), words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Garbled(EOFError):
    """The worker answered with something that is no answer."""


class Sandbox:
    """Calls one function in a worker process of its own.

    Args:
        task: a function at the top of a module; takes a dict and returns a dict and a list of
            bytes, or yields several of both. The dicts hold what JSON can hold. It may raise
            InputError.
        time_limit_s: wall-clock seconds for one answer; starting the worker does not count.
        memory_limit_mb: megabytes by which one call may grow the worker's address space (Linux).
    """

    def __init__(self, task: Callable, time_limit_s: float, memory_limit_mb: int) -> None:
        self._task = f"{task.__module__}:{task.__qualname__}"
        self._time_limit_s, self._memory_limit_mb = time_limit_s, memory_limit_mb
        self._process: subprocess.Popen | None = None
        self._answers = -1
        self._streaming = False

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def call(self, request: dict[str, Any], check: Check | None = None) -> worker.Answer:
        """Run a task that returns on a request.

        Args:
            check: raises `Garbled` unless facts and blobs have the form that the task returns.

        Raises:
            InputError: the task raised it; with its message.
            Lost: the task raised something else, crashed, took too long or asked for too much
                memory.
            RuntimeError: the worker does not start; a stream of it is not at its end.
        """
        self._ask(request)
        return self._take_answer(check)

    def stream(
        self, request: dict[str, Any], check: Check | None = None
    ) -> Iterator[worker.Answer]:
        """Run a task that yields: its answers one by one, with the arguments and errors of `call`.

        The worker is ahead by no more than a pipe holds.
        """
        self._ask(request)
        self._streaming, over = True, False
        try:
            while True:
                facts, blobs = self._take_answer(check, may_end=True)
                over = facts is None
                if over:
                    return
                yield facts, blobs
        finally:
            self._streaming = False
            if not over:
                # The rest of its answer would be taken for the answer to another request.
                self.stop()

    def _ask(self, request: dict[str, Any]) -> None:
        if self._streaming:
            raise RuntimeError(f"{self._task} is asked while answers of a stream are still to come")
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._start()
        try:
            limit_growth(self._process.pid, self._memory_limit_mb)
            self._send(request)
        except (BrokenPipeError, ProcessLookupError):
            raise Lost(CRASHED, self._last_words()) from None

    def _take_answer(
        self, check: Check | None, may_end: bool = False
    ) -> tuple[dict[str, Any] | None, list[bytes]]:
        """Facts and blobs of the next answer.

        Args:
            may_end: whether it may answer that there is none, with facts None.
        """
        try:
            header, blobs = self._receive(time.monotonic() + self._time_limit_s)
            if may_end and header.get("over") is True:
                return None, []
            _check_answer(header)
            if check and "facts" in header:
                check(header["facts"], blobs)
        except TimeoutError:
            self.stop()
            raise Lost(TIMED_OUT, f"stopped after {self._time_limit_s:g} s") from None
        except Garbled:
            # No later answer of this worker can be trusted.
            self.stop()
            raise Lost(CRASHED, UNREADABLE_ANSWER) from None
        except EOFError:
            raise Lost(CRASHED, self._last_words()) from None
        if "refused" in header:
            raise InputError(header["refused"])
        if "lost" in header:
            if "trace" in header:
                logging.info("%s", ascii(header["trace"]).replace("\\n", "\n"))
            if header["lost"] == OUT_OF_MEMORY:
                self.stop()
            raise Lost(header["lost"], header["detail"])
        return header["facts"], blobs

    def _start(self) -> None:
        self._answers, writing_end = os.pipe()
        project = str(Path(cberl.__file__).resolve().parent.parent)
        inherited = [path for path in sys.path if path and Path(path).is_dir()]
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        kept = {name: os.environ[name] for name in KEPT_OF_ENVIRONMENT if name in os.environ}
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", worker.__name__, self._task, str(writing_end)),
                str(self._time_limit_s),
            ],
            stdin=subprocess.PIPE,
            pass_fds=(writing_end,),
            env=kept | one_thread | {"PYTHONPATH": os.pathsep.join([project, *inherited])},
        )
        os.close(writing_end)
        try:
            header, _ = self._receive(time.monotonic() + START_LIMIT_S)
        except (EOFError, TimeoutError):
            raise RuntimeError(f"the worker for {self._task} did not start") from None
        _log_confinement(header["held_by"])

    def stop(self) -> None:
        """End the worker, with all that it keeps; the next request starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            os.close(self._answers)
            self._process = None

    def _last_words(self) -> str:
        process = self._process
        try:
            status = process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            status = None
        self.stop()
        if status is not None and status < 0:
            return f"ended by {signal.Signals(-status).name}"
        return f"ended with status {status}"

    def _send(self, request: dict[str, Any]) -> None:
        encoded = json.dumps(request).encode()
        self._process.stdin.write(worker.LENGTH.pack(len(encoded)) + encoded)
        self._process.stdin.flush()

    def _receive(self, deadline: float) -> tuple[dict[str, Any], list[bytes]]:
        (length,) = worker.LENGTH.unpack(self._read(worker.LENGTH.size, deadline))
        if length > LARGEST_HEADER:
            raise Garbled
        header = _read_header(self._read(length, deadline))
        # What is longer than all that the worker may have cannot have come about in it.
        if sum(header["sizes"]) > self._memory_limit_mb * worker.MEGABYTE:
            raise Garbled
        return header, [self._read(size, deadline) for size in header["sizes"]]

    def _read(self, size: int, deadline: float) -> bytes:
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        received = bytearray()
        while len(received) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(1000 * left):
                raise TimeoutError
            piece = os.read(self._answers, min(size - len(received), worker.MEGABYTE))
            if not piece:
                raise EOFError
            received += piece
        return bytes(received)


def limit_growth(process: int, megabytes: int) -> None:
    """Let a process's address space grow by ``megabytes`` from here on, no further (Linux).

    Raises:
        ProcessLookupError: it has ended.
    """
    if sys.platform != "linux":
        return
    try:
        with open(f"/proc/{process}/statm") as handle:
            pages = int(handle.read().split()[0])
    except (FileNotFoundError, IndexError):
        raise ProcessLookupError(process) from None
    soft = pages * resource.getpagesize() + megabytes * worker.MEGABYTE
    hard = resource.prlimit(process, resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.prlimit(process, resource.RLIMIT_AS, (soft, hard))


@cache
def _log_confinement(held_by: str) -> None:
    """Log once what confines the processes that read foreign files."""
    if held_by == SECCOMP:
        logging.info("files are read in a process without network or write access: %s", held_by)
    else:
        logging.warning(
            "files are read in a process with %s only: this machine has no seccomp filters", held_by
        )


def _read_header(encoded: bytes) -> dict[str, Any]:
    """An answer's JSON, decoded; Garbled unless it is a dict with sizes of blobs."""
    try:
        header = json.loads(encoded)
    except (ValueError, RecursionError):
        raise Garbled from None
    sizes = header.get("sizes") if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(type(size) is int and size >= 0 for size in sizes):
        raise Garbled
    return header


def _check_answer(header: dict[str, Any]) -> None:
    """Garbled unless an answer has facts, or a reason and its detail why there are none."""
    if "refused" in header:
        if not isinstance(header["refused"], str) or "\n" in header["refused"]:
            raise Garbled
        return
    lost = header.get("lost") in (CRASHED, OUT_OF_MEMORY) and isinstance(header.get("detail"), str)
    if not lost and ("lost" in header or not isinstance(header.get("facts"), dict)):
        raise Garbled
