"""The project's location, and functions that every rule uses."""

import logging
import math
import os
import sys
import time
from functools import wraps
from pathlib import Path

import yaml
from snakemake.dag import DAG
from snakemake.utils import update_config

# Of this file, not of the workflow that may take this one in as a module.
PROJECT = Path(str(workflow.current_basedir)).parents[1]
sys.path.insert(0, str(PROJECT))

from cberl.configuration import export_package_path, read_typed
from cberl.errors import InputError
from cberl.left_over import clear_after_killed
from cberl.preflight import check_dates, check_names, check_writable
from cberl.provenance import code_digest, find_path

STARTED = time.time()

export_package_path()
if workflow.is_main_process:
    # On a full disk each line of Snakemake's log would bring a traceback.
    logging.raiseExceptions = False
    try:
        check_names([PROJECT])
        check_writable(".")
    except InputError as error:
        raise SystemExit(f"error: {error}")

if not workflow.overwrite_configfiles:

    configfile: find_path("config/config.yaml")


# Snakemake hands nested values of --config over as text.
update_config(config, read_typed(dict(workflow.config_settings.config)))
CONFIG_SOURCE = str((workflow.overwrite_configfiles or ["config/config.yaml"])[-1])


# Snakemake takes whatever follows --configfile as one more such file, even a target.
for path in workflow.overwrite_configfiles[1:]:
    if Path("results").absolute() in Path(path).absolute().parents:
        raise SystemExit(
            f"error: {path} was taken for a configuration file; put targets before --configfile, or "
            "-- between them"
        )


def schema(name):
    return yaml.safe_load((PROJECT / "workflow/schemas" / name).read_text())


def code_of(script):
    """Digest of a script and of all that it imports from cberl."""
    return code_digest(PROJECT / "workflow/scripts" / script)


def look_behind_ancient_inputs(planned):
    """Plan jobs with an ancient input by their own settings and inputs, too.

    Snakemake looks at no job behind one that is to run, taking it for granted that it runs as well.
    Behind an ancient input it does not: what has changed for such a job would be seen by the next run
    alone, and this one would end with results of other settings.
    """

    async def plan(dag, *arguments, **options):
        def follow(direction, *jobs):
            waiting, seen = list(jobs), set(jobs)
            while waiting:
                job = waiting.pop()
                yield job
                for other, files in direction[job].items():
                    if other not in seen and not all(file.is_ancient for file in files):
                        waiting.append(other)
                        seen.add(other)

        dag.bfs = follow
        try:
            await planned(dag, *arguments, **options)
        finally:
            del dag.bfs

    return plan


if not hasattr(DAG.update_needrun, "__wrapped__"):
    DAG.update_needrun = wraps(DAG.update_needrun)(look_behind_ancient_inputs(DAG.update_needrun))

SNAKEMAKE_MB = 300


def memory(fixed, **rates):
    """MB that a job takes beside Snakemake: so many anyway, and so many for each MB of inputs.

    The rates are by the inputs' names; vectors count unpacked. What an earlier job of the same group
    is still to write counts as nothing. A resource that grows with each attempt.
    """

    def amount(wildcards, input, attempt):
        sizes = {name: _bytes_of(input.get(name)) / 1e6 for name in rates}
        needed = fixed + sum(rate * sizes[name] for name, rate in rates.items())
        return math.ceil(SNAKEMAKE_MB + needed) * attempt

    return amount


def _bytes_of(files):
    paths = [files] if isinstance(files, str) else files or []
    return sum(_bytes_of_file(path) for path in paths if os.path.isfile(path))


def _bytes_of_file(path):
    # The footers of foreign files are not read here.
    if not path.startswith("results/") or not path.endswith(".parquet"):
        return os.path.getsize(path)
    from cberl.artifacts import unpacked_bytes

    return unpacked_bytes(path)


def growing(amount):
    """A resource that grows with each attempt."""
    return lambda wildcards, attempt: amount * attempt


def begin_run(name, raw_files):
    """Refuse a machine on which the run cannot end; remove what killed runs left behind."""
    folder = Path("results", name)
    try:
        check_writable(folder)
        check_dates([*raw_files, *folder.rglob("*.*")])
    except InputError as error:
        raise SystemExit(f"error: {error}")
    own = [workflow.snakemake_tmp_dir, Path(workflow.sourcecache.runtime_cache_path)]
    clear_after_killed(own, STARTED)
