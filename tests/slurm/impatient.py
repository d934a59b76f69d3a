"""Snakemake as it is, but for how long it waits before it asks SLURM again: always two seconds.

The plugin waits ten seconds longer each time that it asked in vain, up to three minutes, which
suits jobs of hours and not those of the tests.
"""

import signal
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(
    lambda executor: 2, lambda executor, seconds: None
)
# Ctrl-C arrives even where the tests themselves were started in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
