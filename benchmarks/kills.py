"""Runs of the workflow that are killed at random moments, again and again, until they end.

    python benchmarks/kills.py --kills 200

A small corpus goes through the whole workflow undisturbed once. Then it does so again and again,
and every few seconds a job, Snakemake or both are killed; after each kill the working directory is
unlocked and the same command is given, as the README says. When a run has ended, every file is
compared with the undisturbed run's. Printed, and written into docs/reliability.md.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from results_page import markdown_table, replace_section

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "tests"))

from conftest import make_workspace  # noqa: E402
from killing import VICTIMS, digests_of, jobs_in, kill, start_run, wait_for  # noqa: E402

PAGE = PROJECT / "docs/reliability.md"
MEAN_WAIT_S = 4.0
"""Time between the start of a job and the kill, on average; no moment is likelier than another."""


def run_and_kill(folder: Path, kills: int, chance: random.Random) -> tuple[Counter, int]:
    """Run the workflow to its end, killing on the way.

    Args:
        kills: the most to kill.

    Returns:
        (kills of each victim; exit status of the command that was not disturbed any more).
    """
    killed: Counter = Counter()
    while True:
        run = start_run(folder)
        if killed.total() >= kills:
            return killed, run.wait()
        wait_for(lambda run=run: jobs_in(folder) or run.poll() is not None, 120)
        wait_for(lambda run=run: run.poll() is not None, chance.expovariate(1 / MEAN_WAIT_S))
        if run.poll() is not None:
            return killed, run.returncode
        victim = chance.choice(VICTIMS)
        kill(run, folder, victim, chance)
        killed[victim] += 1
        start_run(folder, "--unlock").wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance, started = random.Random(options.seed), time.monotonic()
    killed: Counter = Counter()
    runs = differing = files = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        whole = make_workspace(Path(folder, "whole")).folder
        if start_run(whole).wait():
            raise SystemExit("error: the undisturbed run failed")
        expected = digests_of(whole)
        while killed.total() < options.kills:
            place = make_workspace(Path(folder, f"run{runs}")).folder
            own, status = run_and_kill(place, options.kills - killed.total(), chance)
            found = digests_of(place)
            names = expected.keys() | found.keys()
            killed, runs, failed = killed + own, runs + 1, failed + (status != 0)
            files += len(names)
            differing += sum(expected.get(name) != found.get(name) for name in names)
            print(f"run {runs}: {own.total()} kills, status {status}", flush=True)
    rows = [
        *((f"kills of {victim}", f"{killed[victim]}") for victim in VICTIMS),
        ("runs that ended", f"{runs - failed} of {runs}"),
        ("files that differ from an undisturbed run's", f"{differing} of {files:,}"),
        ("minutes", f"{(time.monotonic() - started) / 60:.0f}"),
    ]
    table = markdown_table(("what", "how many"), rows)
    print(table)
    replace_section("kills", table, PAGE)
    return 0 if not (failed or differing) else 1


if __name__ == "__main__":
    sys.exit(main())
