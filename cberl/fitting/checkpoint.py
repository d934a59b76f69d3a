"""Long trainings continue where they were stopped: killed, out of time, or by a crash.

A checkpoint holds all that the rest of a training depends on: networks, averages, optimizers and
schedules, random states, the history and the best weights so far. A continued training ends in
the same bytes as one that was never stopped, on a CPU. It is no output of its rule: it lies hidden
beside the model and goes when the job is done.
"""

import io
import logging
import random
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xxhash

from cberl.provenance import settings_digest
from cberl.whole_files import whole_file

SECONDS_BETWEEN = 20.0
"""An epoch that ends sooner after the last saved one is not saved: it is quickly run again."""

KEYED_BY = ("rule", "wildcards", "settings", "code_digest", "seed", "inputs", "libraries")
"""The part of a job's provenance that must be the same for a checkpoint to be used."""

_DIGEST_BYTES = 16


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        epoch: the last one that is over.
        history: rows of the table HISTORY: epoch, split, quantity, value.
        best_value: of the quantity that chooses the epoch, smallest is best.
        best_state: the network's weights in ``best_epoch``.
        recent: number, value and weights of the last epochs, for a mean with later ones.
        second_part_since: the epoch after which the second part of the loss began; 0 before.
    """

    epoch: int
    history: list[tuple[int, str, str, float]] = field(default_factory=list)
    best_value: float = float("inf")
    best_epoch: int = 0
    best_state: dict[str, torch.Tensor] = field(default_factory=dict)
    recent: list[tuple[int, float, dict[str, torch.Tensor]]] = field(default_factory=list)
    second_part_since: int = 0


class Checkpoint:
    """Keeps one training in a file.

    Args:
        path: of the file.
        key: a training with another key does not continue from it.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key
        self._kept = time.monotonic()
        self._others: list[Checkpoint] = []
        self._unkept = self._stopping = False

    def named(self, name: str) -> "Checkpoint":
        """The checkpoint of another training of the same job."""
        path = self._path.with_name(f"{self._path.stem}.{name}{self._path.suffix}")
        self._others.append(Checkpoint(path, self._key))
        return self._others[-1]

    def restore(self, training: Any) -> Progress | None:
        """Restore a training from its checkpoint; None if there is none, or another training's."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if xxhash.xxh3_128_digest(body) != digest:
            logging.warning("%s is broken: training starts over", self._path)
            return None
        # Tensors and plain values alone: nothing in the file is run.
        kept = torch.load(io.BytesIO(body), weights_only=True, map_location="cpu")
        if kept["key"] != self._key:
            logging.info("%s is of other settings, data or code: training starts over", self._path)
            return None
        for name, part in _parts_of(training).items():
            part.load_state_dict(kept["parts"][name])
        for name, generator in _generators_of(training).items():
            generator.set_state(kept["generators"][name])
        _set_random_states(kept["random"])
        progress = Progress(**kept["progress"])
        logging.info("training continues after epoch %d", progress.epoch)
        return progress

    def keep(self, training: Any, progress: Progress) -> None:
        """Keep a training at the end of an epoch, if the last time was long enough ago.

        Raises:
            SystemExit: the job was asked to end (SIGTERM), and is kept.
        """
        self._unkept = True
        if not self._stopping and time.monotonic() - self._kept < SECONDS_BETWEEN:
            return
        body = io.BytesIO()
        torch.save(
            {
                "key": self._key,
                "parts": {name: part.state_dict() for name, part in _parts_of(training).items()},
                "generators": {n: g.get_state() for n, g in _generators_of(training).items()},
                "random": _random_states(),
                "progress": vars(progress),
            },
            body,
        )
        content = body.getvalue()
        with whole_file(self._path) as temporary:
            temporary.write_bytes(xxhash.xxh3_128_digest(content) + content)
        self._kept, self._unkept = time.monotonic(), False
        if self._stopping:
            logging.error("asked to end: epoch %d is saved, the next run continues", progress.epoch)
            sys.exit(1)

    def stop(self) -> None:
        """End the job: at once if the last epoch is kept, else once the current one is.

        The current one is short then: longer ones are kept, every one.
        """
        for other in self._others:
            other.stop()
        self._stopping = True
        if not any(one._unkept for one in (self, *self._others)):
            logging.error("asked to end: the next run continues after the last saved epoch")
            sys.exit(1)

    def remove(self) -> None:
        """Remove what was kept."""
        for one in (self, *self._others):
            one._path.unlink(missing_ok=True)


@contextmanager
def resumable(
    output: str | Path, provenance: Mapping[str, Any], params: Mapping[str, Any] | None = None
) -> Iterator[Checkpoint]:
    """Keep the trainings of a job while it runs; on SIGTERM, SLURM's at a time limit, it ends.

    Args:
        output: the file that the job makes, beside which the checkpoint lies.
        provenance: of the job.
        params: other parameters of the rule; with different ones, no checkpoint is used.
    """
    output = Path(output)
    keyed = {name: provenance.get(name) for name in KEYED_BY}
    key = settings_digest({"params": dict(params or {}), **keyed})
    checkpoint = Checkpoint(output.with_name(f".{output.name}.checkpoint"), key)
    before = signal.signal(signal.SIGTERM, lambda number, frame: checkpoint.stop())
    try:
        yield checkpoint
    finally:
        signal.signal(signal.SIGTERM, before)
    checkpoint.remove()


def _parts_of(training: Any) -> dict[str, Any]:
    """The attributes of a training that have a state: networks, averages, optimizers, schedules."""
    found = {}
    for name, value in vars(training).items():
        if hasattr(value, "state_dict") and hasattr(value, "load_state_dict"):
            found[name] = value
    return found


def _generators_of(training: Any) -> dict[str, torch.Generator]:
    return {n: value for n, value in vars(training).items() if isinstance(value, torch.Generator)}


def _random_states() -> dict[str, Any]:
    name, keys, *rest = np.random.get_state()
    on_gpu = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return {
        "python": random.getstate(),
        "numpy": (name, keys.tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": on_gpu,
    }


def _set_random_states(states: Mapping[str, Any]) -> None:
    random.setstate(states["python"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
