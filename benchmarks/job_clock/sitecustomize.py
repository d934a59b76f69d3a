"""Every Python process that has this folder in PYTHONPATH notes at its end what it took.

One line in the file JOB_CLOCK: script, seconds of CPU of the process and the children that it
waited for, peak memory of the largest of them in MB, and how many of the process's own seconds went
into imports. CPU time is about the same on a busy machine.
"""

import atexit
import builtins
import os
import resource
import sys
import time

importing = False
imports_s = 0.0
plain_import = builtins.__import__


def timed_import(*arguments: object, **named: object) -> object:
    """An import whose time counts, unless it is part of another one."""
    global importing, imports_s
    if importing:
        return plain_import(*arguments, **named)
    importing, began = True, time.process_time()
    try:
        return plain_import(*arguments, **named)
    finally:
        importing = False
        imports_s += time.process_time() - began


def note() -> None:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    peak = max(usage.ru_maxrss for usage in usages) // 1024
    with open(os.environ["JOB_CLOCK"], "a", encoding="utf-8") as file:
        file.write(f"{sys.argv[0]}\t{seconds:.3f}\t{peak}\t{imports_s:.3f}\n")


if "JOB_CLOCK" in os.environ:
    builtins.__import__ = timed_import
    atexit.register(note)
