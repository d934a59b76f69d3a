"""``cberl verify``: all artifacts against their digests, and against what they were made from."""

import argparse
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cberl.commands.inspect import HEADED, read_any_header
from cberl.digests import check_digest, find_rule, is_own_digest
from cberl.errors import InputError
from cberl.printable import printable
from cberl.provenance import PROJECT, RESULTS, file_digest, find_input

PAGES = {".html", ".md", ".txt", ".json"}
EVENTS = "events.out.tfevents"
UNCHECKED = {"logs", "benchmarks", "predict"}
"""Folders of a corpus whose files change from run to run, or that people edit."""

MENDED = ("broken", "missing", "older")
"""States of files that the workflow can make again; it has no rule for foreign ones."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "verify",
        help="check that all files are as written and up to date",
        description="Check every file under a folder by the digest in it and by its inputs: list\n"
        "files that are broken, missing, older than their inputs, or foreign.",
        epilog="examples:\n"
        "  cberl verify results/\n"
        "  cberl verify results/meld --rebuild --yes --configfile config/meld.yaml\n\n"
        "exit status: 0 all as written, 1 something found, 2 error",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder", nargs="?", default="results", metavar="FOLDER", help="default: results"
    )
    parser.add_argument(
        "--rebuild", action="store_true", help="print the snakemake command that makes them again"
    )
    parser.add_argument("--yes", action="store_true", help="with --rebuild: run that command")
    parser.add_argument(
        "--configfile", metavar="FILE", help="the configuration that the results were made with"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command: 0 if all is as written, 1 if not; with --rebuild and --yes Snakemake's."""
    verifier = Verifier(options.folder)
    for finding in verifier.check():
        print(printable(str(finding)))
    print(verifier.summary())
    if not (options.rebuild and verifier.found):
        return 1 if verifier.found else 0
    for call in verifier.snakemake_calls(options.configfile):
        print(shlex.join(call), flush=True)
    return verifier.rebuild(options.configfile) if options.yes else 1


@dataclass(frozen=True)
class Finding:
    """What is wrong with one file: ``broken``, ``missing``, ``older`` or ``foreign``, and why."""

    state: str
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.state:<8} {self.path}  {self.reason}"


class Verifier:
    """Checks every file below a folder and counts what it read.

    Args:
        folder: ``results``, or a folder in it.

    Raises:
        InputError: there is no such folder, or no folder ``results`` in its path.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder).resolve()
        if not self._folder.is_dir():
            raise InputError(f"{folder}: no such folder")
        parts = self._folder.parts
        if RESULTS not in parts:
            raise InputError(f"{folder}: expected {RESULTS}/ or a folder in it")
        depth = len(parts) - 1 - parts[::-1].index(RESULTS)
        # The paths in provenance start here: where the workflow ran.
        self._root = Path(*parts[:depth])
        self._digests: dict[Path, str | None] = {}
        self._missing: set[tuple[str, Path | None]] = set()
        self.files = self.bytes = 0
        self.found: list[Finding] = []

    def check(self) -> Iterator[Finding]:
        """Check file after file, and yield the findings; they are also kept in ``found``."""
        for path in sorted(self._folder.rglob("*")):
            name = str(path.relative_to(self._root))
            if path.is_file() and not self._passed_over(path):
                self.files += 1
                self.bytes += path.stat().st_size
                for finding in self._check_file(path, name):
                    self.found.append(finding)
                    yield finding

    def _passed_over(self, path: Path) -> bool:
        below = path.relative_to(self._root / RESULTS).parts
        # A user's own encoder carries no digest; the manifest of the bundle holds one.
        is_encoder = below[1:2] == ("bundle",) and below[3:4] == ("encoders",)
        unchecked = is_encoder or (len(below) > 1 and below[1] in UNCHECKED)
        # A checkpoint has a digest of its own kind, and is not made again.
        return below == ("README.md",) or path.suffix == ".checkpoint" or unchecked

    def _check_file(self, path: Path, name: str) -> Iterator[Finding]:
        if path.name.startswith(EVENTS):
            if not _are_whole_events(path):
                yield Finding("broken", name, _made_by(path))
            return
        if path.suffix not in HEADED | PAGES or path.name.startswith("."):
            yield Finding("foreign", name, "no file of this pipeline")
            return
        if self._digest(name, path) is None:
            # Snakemake knows the rule of a part of a bundle by the manifest.
            target = self._root / _target(name)
            known = find_rule(target) is not None
            yield Finding(
                *(("broken", name, _made_by(target)) if known else ("foreign", name, "no digest"))
            )
        elif path.suffix in HEADED:
            yield from self._check_inputs(path, name)

    def _check_inputs(self, path: Path, name: str) -> Iterator[Finding]:
        inputs = read_any_header(path)["provenance"].get("inputs") or {}
        others = []
        for source, recorded in inputs.items():
            raw = find_input(source, path, self._root, recorded)
            if raw is None and _target(name) != name:
                continue  # a copy, of which Snakemake has no record; the original is checked
            if raw is None or not raw.exists():
                if (source, raw) not in self._missing:
                    self._missing.add((source, raw))
                    state = "missing" if is_own_digest(recorded) else "foreign"
                    why = "not on record where" if raw is None else "gone"
                    yield Finding(state, source, f"{why}; {name} was made from it")
            elif recorded and self._digest(source, raw) not in (recorded, None):
                others.append(source)
        if others:
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            yield Finding("older", name, f"made from another {others[0]}{more}")

    def _digest(self, name: str, path: Path) -> str | None:
        """A file's digest, taken once; None for a broken artifact.

        Args:
            name: as provenance has it.
        """
        if path not in self._digests:
            try:
                inside = Path(name).parts[0] == RESULTS
                self._digests[path] = check_digest(path) if inside else file_digest(path)
            except InputError:
                self._digests[path] = None
        return self._digests[path]

    def snakemake_calls(self, config: str | None) -> list[list[str]]:
        """The commands that make again what is broken, missing or older, one for each corpus.

        Args:
            config: the configuration that the results were made with; None for the default.
        """
        calls = []
        broken = [finding.path for finding in self.found if finding.state in MENDED]
        mended = list(dict.fromkeys(map(_target, broken)))
        for corpus in sorted({Path(path).parts[1] for path in mended}):
            files = [path for path in mended if Path(path).parts[1] == corpus]
            configured = ["--configfile", config] if config else []
            calls.append(["snakemake", "--cores", "all", *configured, "--forcerun", *files])
        return calls

    def rebuild(self, config: str | None) -> int:
        """Run `snakemake_calls` where the workflow ran; the first exit status that is not 0."""
        for call in self.snakemake_calls(config):
            status = subprocess.run(
                [sys.executable, "-m", *call, "--snakefile", str(PROJECT / "workflow/Snakefile")],
                cwd=self._root,
                check=False,
            ).returncode
            if status:
                return status
        return 0

    def summary(self) -> str:
        """How much was read and what was found, in one line."""
        counts = Counter(finding.state for finding in self.found)
        found = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
        return f"{self.files:,} files, {self.bytes / 1e6:,.1f} MB: {found or 'all as written'}"


def _made_by(path: Path) -> str:
    rule = find_rule(path)
    return f"its content is not what {f'rule {rule}' if rule else 'the workflow'} wrote"


def _are_whole_events(path: Path) -> bool:
    """Whether every record of TensorBoard's file has the checksum that it was written with."""
    from cberl.fitting.events import count_events

    try:
        return count_events(path) > 0
    except InputError:
        return False


def _target(path: str) -> str:
    """The target with which the workflow makes a file again: of a bundle, its manifest."""
    parts = Path(path).parts
    if len(parts) > 4 and parts[2] == "bundle":
        return str(Path(*parts[:4], "manifest.json"))
    return path
