"""How fast ``cberl verify`` reads results, beside ``cat``.

    python benchmarks/verify_speed.py

Results of 750 MB are made, in a temporary folder: shards of media, tables of features and networks.
Each command is timed as a whole, its start included, with the files out of the system's cache
("cold") and in it ("warm"), one after the other, and the best of nine rounds counts: what else the
machine does only adds. Printed, and written into docs/reliability.md.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from digests import KINDS
from results_page import markdown_table, replace_section

from cberl.artifacts import write_page
from cberl.configuration import PROJECT

PAGE = PROJECT / "docs/reliability.md"
FILES = {"features": 3, "media": 6, "network": 3}
ROUNDS = 9


def make_results(folder: Path) -> list[Path]:
    """Files of each kind, in the numbers of `FILES`."""
    made = []
    for kind, count in FILES.items():
        name, write, _ = KINDS[kind]
        for number in range(count):
            made.append(folder / "made" / kind / f"{number}-{name}")
            write(made[-1])
    return made


def seconds(command: Sequence[str | Path], files: Sequence[Path], cold: bool) -> float:
    """How long a command takes."""
    if cold:
        for path in files:
            forget_pages(path)
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def forget_pages(path: Path) -> None:
    """Drop a file from the system's cache."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> int:
    with tempfile.TemporaryDirectory(dir=PROJECT) as working:
        folder = Path(working, "results")
        files = make_results(folder)
        page = folder / "made/report/index.html"
        write_page(page, "<p>joy</p>")
        size = sum(path.stat().st_size for path in files)
        commands = {
            "cat": ["cat", *files],
            "cberl verify": [sys.executable, "-m", "cberl", "verify", folder],
            "cberl verify of one page": [sys.executable, "-m", "cberl", "verify", page.parent],
        }
        best: dict[tuple[str, str], float] = {}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                for state in ("cold", "warm"):
                    taken = seconds(command, files, state == "cold")
                    best[name, state] = min(taken, best.get((name, state), taken))
    rows = []
    for (name, state), taken in best.items():
        speed = f"{size / taken / 1e6:,.0f}" if "page" not in name else ""
        rows.append((f"{name}, {state}", f"{taken:.2f}", speed))
    table = markdown_table((f"{size / 1e6:,.0f} MB in {len(files)} files", "s", "MB/s"), rows)
    print(table)
    replace_section("verify", table, PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
