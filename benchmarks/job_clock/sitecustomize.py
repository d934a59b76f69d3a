"""Every Python process that has this folder in PYTHONPATH notes at its end what it took.

One line in the file JOB_CLOCK: script, seconds of CPU of the process and the children that it
waited for, and peak memory of the largest of them in MB. CPU time is about the same on a busy
machine.
"""

import atexit
import os
import resource
import sys


def note() -> None:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    peak = max(usage.ru_maxrss for usage in usages) // 1024
    with open(os.environ["JOB_CLOCK"], "a", encoding="utf-8") as file:
        file.write(f"{sys.argv[0]}\t{seconds:.3f}\t{peak}\n")


if "JOB_CLOCK" in os.environ:
    atexit.register(note)
