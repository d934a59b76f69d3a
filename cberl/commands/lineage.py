"""``cberl lineage``: from an artifact back to the raw data, by the provenance that each carries."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cberl.commands.inspect import read_any_header
from cberl.digests import check_digest, find_rule, is_own_digest
from cberl.errors import InputError
from cberl.printable import printable
from cberl.provenance import file_digest, find_input, find_path

CLIPS = "the corpus's clips; columns audio_sha256 and video_sha256 of this table digest each"


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "lineage",
        help="list everything that a file was made from, back to the raw data",
        description="Trace a file back to the raw data by the provenance in each artifact, and\n"
        "show which files have changed or been removed since.",
        epilog="example:\n  cberl lineage results/demo/train/cberl/seed0/predictions.parquet",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="a file under results/")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command: 0, or an `InputError`."""
    for line in trace_file(options.file):
        print(printable(line))
    return 0


def trace_file(path: str | Path) -> Iterator[str]:
    """List what a file was made from as a tree; a file that is listed above is not expanded again.

    A file on disk that is not the one an artifact was made from is marked, by its digest.

    Raises:
        InputError: the file is absent, broken, or not written by cberl.
    """
    path = Path(path)
    header = read_any_header(path)
    yield f"{path}  {_origin(header)}"
    tracer = _Tracer(_find_root(path, header["provenance"]))
    yield from tracer.trace(path, header, indent="")


class _Tracer:
    """Walks the inputs of artifacts, remembering those that it has listed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: set[tuple[str, str | None]] = set()
        self._artifacts: set[str] = set()
        self._digests: dict[Path, str | None] = {}

    def trace(self, path: Path, header: Mapping[str, Any], indent: str) -> Iterator[str]:
        new, above = self._sort_inputs(path, header)
        lines: list[tuple[str, str | None, str]] = [*new]
        if header["kind"] == "media":
            lines.append(("", None, f"raw data: {CLIPS}"))
        if above:
            lines.append(("", None, f"and {above} listed above"))
        for number, (name, digest, words) in enumerate(lines):
            last = number == len(lines) - 1
            branch, deeper = ("└─ ", "   ") if last else ("├─ ", "│  ")
            if name:
                yield from self._list(name, digest, words, indent + branch, indent + deeper)
            else:
                yield f"{indent}{branch}{words}"

    def _list(
        self, name: str, digest: str | None, state: str, branch: str, deeper: str
    ) -> Iterator[str]:
        header = self._header(name)
        known = (name, digest) in self._listed
        self._listed.add((name, digest))
        if not header:
            yield f"{branch}{name}  {self._without_header(name)}{state}"
            return
        path = find_path(name, self._root)
        nothing_new = known or (
            header["kind"] != "media" and not self._sort_inputs(path, header)[0]
        )
        yield f"{branch}{name}  {_origin(header)}{', from files above' * nothing_new}{state}"
        if not nothing_new:
            yield from self.trace(path, header, deeper)

    def _sort_inputs(
        self, artifact: Path, header: Mapping[str, Any]
    ) -> tuple[list[tuple[str, str | None, str]], int]:
        """Inputs to list, with their digests and what has become of each, and how many need no
        second mention: two encoders may have files of one name."""
        inputs = (header["provenance"].get("inputs") or {}).items()
        self._artifacts.update(name for name, digest in inputs if is_own_digest(digest))
        states = [
            (
                name,
                digest,
                self._state(name, find_input(name, artifact, self._root, digest), digest),
            )
            for name, digest in inputs
        ]
        new = [one for one in states if one[2] or one[:2] not in self._listed]
        return new, len(states) - len(new)

    def _state(self, name: str, path: Path | None, digest: str | None) -> str:
        """How an input has changed since it was read; empty if it has not."""
        if path is None:
            return "  NOT ON RECORD WHERE"
        if not path.exists():
            return "  GONE"
        if digest is None:
            return ""
        if path not in self._digests:
            self._digests[path] = self._digest(path, of_artifact=name in self._artifacts)
        if self._digests[path] is None:
            return "  BROKEN"
        return "" if self._digests[path] == digest else "  CHANGED SINCE"

    def _digest(self, path: Path, of_artifact: bool) -> str | None:
        """The digest of a file as it is now; None for a broken artifact."""
        try:
            return check_digest(path) if of_artifact else file_digest(path)
        except InputError:
            return None

    def _header(self, name: str) -> dict[str, Any] | None:
        """The header of an input; None if it is raw data, broken or missing."""
        if name not in self._artifacts:
            return None
        try:
            return read_any_header(find_path(name, self._root))
        except InputError:
            return None

    def _without_header(self, name: str) -> str:
        if name not in self._artifacts:
            return "raw data"
        rule = find_rule(find_path(name, self._root))
        return f"made by {rule}" if rule else "made by the workflow"


def _origin(header: Mapping[str, Any]) -> str:
    provenance = header["provenance"]
    seed = provenance.get("seed")
    commit = provenance.get("git_commit")
    return (
        f"{header['kind']} by {provenance.get('rule')}"
        + (f", seed {seed}" if seed is not None else "")
        + (f", commit {commit[:10]}{'+' if commit.endswith('+') else ''}" if commit else "")
    )


def _find_root(path: Path, provenance: Mapping[str, Any]) -> Path:
    """The folder that the paths of inputs start from: where the workflow ran."""
    inputs = [name for name in provenance.get("inputs") or {} if not Path(name).is_absolute()]
    for folder in (Path.cwd(), *path.resolve().parents):
        if any((folder / name).exists() for name in inputs):
            return folder
    return Path.cwd()
