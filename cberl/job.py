"""What every job does first: open its log, keep to its threads, set its seed, know its origin."""

import atexit
import gc
import logging
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cberl.errors import InputError
from cberl.left_over import scratch_folder
from cberl.lifetime import end_with_snakemake
from cberl.log import log_error, open_log
from cberl.postponed import postpone_unused
from cberl.provenance import CORPUS_ROOT, describe_job, find_path, own_places, without_places
from cberl.seeding import choose_device, limit_threads, seed_everything

NOT_DECISIVE = {"settings", "code", "device", "root", "clips", "assets", "encoder_files"}
"""Params of rules that provenance has in another place, or that only decide when to run again."""

if hasattr(sys.modules["__main__"], "snakemake"):
    # A script imports this module first. Objects that the others make stay to the end, and looking
    # through them for garbage takes a quarter of the time of importing; `start_job` resumes it.
    gc.disable()


@dataclass(frozen=True)
class Job:
    """A running job: all ``params`` of its rule and its ``settings`` among them, its ``seed`` and
    ``provenance``."""

    params: dict[str, Any]
    settings: Any
    seed: int | None
    provenance: dict[str, Any]


@contextmanager
def start_job(snakemake: Any, torch: bool = False) -> Iterator[Job]:
    """Run the body of a workflow script as a job.

    Unusable input, a file that cannot be read and a disk that cannot be written to end the job
    with one line in its log and exit status 1; anything else that goes wrong leaves its
    traceback there. The job ends when Snakemake does.

    Args:
        snakemake: the object that Snakemake hands to a script.
        torch: whether to seed torch and limit its threads; importing it costs seconds.
    """
    terminal, jobs_own = None, ExitStack()
    is_script = getattr(sys.modules["__main__"], "snakemake", None) is snakemake
    end_with_snakemake(is_script)
    _close_standard_input()
    started = time.monotonic()
    wildcards = dict(snakemake.wildcards.items())
    seed = int(wildcards["seed"]) if "seed" in wildcards else None
    settings = snakemake.params.get("settings")
    try:
        terminal = open_log(snakemake.log[0] if snakemake.log else None)
        jobs_own.enter_context(scratch_folder())
        if torch:
            postpone_unused()
            limit_threads(snakemake.threads)
            seed_everything(seed or 0)
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        params = dict(snakemake.params.items())
        root = params.get("root") or (settings or {}).get("root")
        provenance = describe_job(
            snakemake.rule,
            wildcards,
            without_places(settings),
            params.get("code"),
            seed,
            _read_inputs(snakemake.input),
            {name: value for name, value in params.items() if name not in NOT_DECISIVE},
            choose_device(params.get("device", "cpu")) if torch else None,
            own_places(settings) | ({find_path(root): CORPUS_ROOT} if root else {}),
        )
        yield Job(params, settings, seed, provenance)
        seconds = time.monotonic() - started
        logging.info("done in %.1f s, peak memory %d MB", seconds, _peak_memory_mb())
        if is_script:
            atexit.register(_leave)
    except InputError as error:
        log_error(str(error), terminal)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        log_error(f"{error.filename}: {error.strerror}", terminal)
        sys.exit(1)
    finally:
        jobs_own.close()


def _leave() -> None:
    """Exit without the interpreter's shutdown, which with torch takes a third of a second."""
    atexit.unregister(_leave)
    atexit._run_exitfuncs()  # the other exit functions
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _close_standard_input() -> None:
    """Let no program of a job read what is piped into Snakemake, such as answers to prompts."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _read_inputs(inputs: Any) -> list[str]:
    """The inputs of a job, without what it only waits for (named ``waits_for``)."""
    waits_for = inputs.get("waits_for")
    return [path for path in inputs if path != waits_for]


def _peak_memory_mb() -> int:
    """Peak of this process plus that of its largest child, in MB."""
    own = _own_peak_kb()
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    # A child's count begins with what this process held when it started it.
    return (own + (child if child > own else 0)) // 1024


def _own_peak_kb() -> int:
    """Peak of this process, without what the process that started it held then."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.split("VmHWM:")[1].split()[0])
