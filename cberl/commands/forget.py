"""``cberl forget``: find and remove what results hold of a speaker or a dialogue."""

import argparse
import difflib
import shlex
from dataclasses import dataclass
from pathlib import Path

from cberl.commands.inspect import HEADED, read_any_header
from cberl.errors import InputError
from cberl.printable import printable
from cberl.provenance import CORPUS_ROOT

HELD, STALE, UNREADABLE = "holds them", "made from them", "unreadable"
KEY = "utterance_id"


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "forget",
        help="list, and with --yes remove, all files made from one speaker or one dialogue",
        description="List every file of a corpus's results that contains a speaker or a\n"
        "dialogue or was made from it, including trained models. With --yes these files are\n"
        "removed; once the speaker or dialogue is removed from the corpus, the next run makes\n"
        "them again. Files of the corpus are listed, but never changed.",
        epilog="examples:\n"
        "  cberl forget results/meld --speaker Ross\n"
        "  cberl forget results/meld --dialogue train/17 --yes --configfile config/meld.yaml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", help="results of a corpus: results/CORPUS")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--speaker", metavar="NAME", help="as the corpus names them")
    who.add_argument("--dialogue", metavar="ID", help="split/dialogue, as in utterances.parquet")
    parser.add_argument("--yes", action="store_true", help="remove the files that are listed")
    parser.add_argument(
        "--configfile", metavar="FILE", help="configuration of the run, for the command printed"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command: 0, or an `InputError`."""
    traces = find_traces(options.folder, options.speaker, options.dialogue)
    for path, why in traces.files.items():
        print(printable(f"{why:<15} {path}"))
    print(f"{len(traces.files):,} files of {traces.utterances:,} utterances or made from them")
    print("in the corpus, yours to remove before the next run:")
    for name in traces.raw:
        print(printable(f"  {name}"))
    if options.yes:
        for path in traces.files:
            path.unlink()
        print("removed; once they are removed from the corpus too, this makes everything again:")
        configured = ["--configfile", options.configfile] if options.configfile else []
        print(shlex.join(["snakemake", "--cores", "all", *configured]))
    return 0


@dataclass(frozen=True)
class Traces:
    """What there is of a speaker or a dialogue.

    Attributes:
        files: path -> why it is listed; none of them is the corpus's own.
        utterances: how many they are.
        raw: clips and annotation files of the corpus, from its folder on.
    """

    files: dict[Path, str]
    utterances: int
    raw: list[str]


def find_traces(folder: str | Path, speaker: str | None, dialogue: str | None) -> Traces:
    """Find all files that hold, or were made from, utterances of a speaker or a dialogue.

    Made from them is a model or a summary that has read a file with one of them, whatever has
    read such a model, every page and every bundle. Logs are listed that name them. A file that
    cannot be read is listed too: its content is unknown.

    Args:
        folder: ``results/CORPUS``.

    Raises:
        InputError: there are no such results, or no such speaker or dialogue in them.
    """
    from cberl.artifacts import read_header, read_table
    from cberl.corpus.tables import UTTERANCES

    folder = Path(folder)
    table = folder / "corpus/utterances.parquet"
    if not table.exists() and (folder / "predict").is_dir():
        raise InputError(
            f"{folder}: holds predictions; expected results of a corpus. All that there is of a "
            f"recording lies in its folder below {folder / 'predict'}"
        )
    rows = read_table(table, UTTERANCES)
    column, wanted = ("speaker", speaker) if speaker is not None else ("dialogue_id", dialogue)
    own = rows[rows[column] == wanted]
    if own.empty:
        close = difflib.get_close_matches(wanted, sorted(set(rows[column])), n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise InputError(f"{table}: no utterance with {column} {wanted}{hint}")
    clips = {str(path) for name in ("media_path", "audio_path") for path in own[name].dropna()}
    annotations = read_header(table)["provenance"].get("inputs") or {}
    tables = [name.removeprefix(f"{CORPUS_ROOT}/") for name in annotations]
    raw = [*sorted(clips), *(f"{name} (rows of it)" for name in tables)]
    names = {wanted, *own[KEY], *own["dialogue_id"]}
    tracer = _Tracer(folder, set(own[KEY]), set(rows[KEY]), names)
    return Traces(tracer.find(), len(own), raw)


class _Tracer:
    """Goes through the files of a corpus's results.

    Args:
        ids: of the utterances to be forgotten.
        recorded: ids of all utterances of the corpus.
        names: what a log may call them.
    """

    def __init__(self, folder: Path, ids: set[str], recorded: set[str], names: set[str]) -> None:
        self._folder, self._ids, self._recorded, self._names = folder, ids, recorded, names
        self._why: dict[Path, str] = {}
        self._inputs: dict[Path, list[Path]] = {}
        self._by_row: set[Path] = set()

    def find(self) -> dict[Path, str]:
        """Every file to remove, and why."""
        paths = [path for path in sorted(self._folder.rglob("*")) if path.is_file()]
        for path in paths:
            kind = path.relative_to(self._folder).parts[0]
            if kind == "logs":
                if any(name in path.read_text(errors="replace") for name in self._names):
                    self._why[path] = HELD
            elif path.suffix in HEADED and kind != "bundle":
                self._read(path)
            elif kind != "benchmarks":  # pages, bundles, checkpoints: of the whole corpus
                self._why[path] = STALE
        while new := {path for path in self._inputs if self._is_stale(path)}:
            self._why.update(dict.fromkeys(new, STALE))
        return {path: self._why[path] for path in paths if path in self._why}

    def _read(self, path: Path) -> None:
        import pyarrow.parquet as pq

        try:
            header = read_any_header(path)
        except InputError:
            self._why[path] = UNREADABLE
            return
        names = header["provenance"].get("inputs") or {}
        self._inputs[path] = [self._folder.joinpath(*Path(name).parts[2:]) for name in names]
        if KEY not in header.get("key", []):
            return
        ids = set(pq.read_table(path, columns=[KEY]).column(KEY).to_pylist())
        if ids & self._ids:
            self._why[path] = HELD
        if ids <= self._recorded:
            self._by_row.add(path)

    def _is_stale(self, path: Path) -> bool:
        """Whether a file has read what is listed, beyond rows that are not its own.

        A table with a row for each utterance takes nothing from the rows of others, as a model
        or a summary does.
        """
        listed = [source for source in self._inputs[path] if source in self._why]
        if path in self._by_row:
            listed = [
                source
                for source in listed
                if source not in self._by_row or self._why[source] != HELD
            ]
        return path not in self._why and bool(listed)
