"""``cberl init``: a table and a configuration to start from, for a folder of recordings."""

import argparse
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cberl.corpus.discovery.discovered import COLUMNS, Discovered
from cberl.errors import InputError
from cberl.printable import printable
from cberl.provenance import PROJECT

TABLE = "utterances.tsv"


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "init",
        help="write a table and a configuration for a folder of recordings",
        description="Recognise the content of a folder (MELD, IEMOCAP, a database in audformat, a\n"
        "table of your own, or recordings whose names contain speaker and emotion) and write\n"
        "what a run needs: FOLDER/utterances.tsv, unless there is a table, and NAME.yaml in\n"
        "the working directory. Nothing is overwritten.",
        epilog="examples:\n"
        "  cberl init ~/recordings\n"
        r"  cberl init ~/recordings --pattern '(?P<speaker>[a-z]+)_(?P<label>[a-z]+)_\d+'"
        "\n  cberl check --configfile recordings.yaml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", help="where the recordings or tables are")
    parser.add_argument(
        "--pattern",
        metavar="REGEX",
        help="of the names of recordings: its named groups become columns; speaker and label are "
        "required",
    )
    parser.add_argument(
        "--configfile", metavar="FILE", help="the configuration to write (default: NAME.yaml)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command: 0, or an `InputError`."""
    from cberl.corpus.discovery.discover import discover

    folder = Path(options.folder).expanduser().absolute()
    name = _name_of(folder)
    config = Path(options.configfile or f"{name}.yaml")
    found = discover(folder, options.pattern)
    for path in (config, *([folder / TABLE] if found.rows is not None else [])):
        if path.exists():
            raise InputError(f"{path}: exists already; remove it{_other_name(path, config)}")
    print(printable(f"found: {found.what}"))
    if found.rows is not None:
        write_rows(folder / TABLE, found.rows)
        print(f"wrote: {folder / TABLE}, {len(found.rows)} rows")
    _write(config, "\n".join(configuration_lines(found, name, folder, config)) + "\n")
    print(f"wrote: {config}")
    for remark in found.remarks:
        print(printable(f"note: {remark}"))
    print(f"next: cberl check --configfile {config}")
    return 0


def _other_name(path: Path, config: Path) -> str:
    return ", or name another one by --configfile" if path == config else ""


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """Write a table of conversations; columns that are empty throughout are left out.

    Raises:
        InputError: the folder cannot be written to.
    """
    columns = [name for name in COLUMNS if any(row.get(name) for row in rows)]
    try:
        with path.open("x", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, columns, delimiter="\t", extrasaction="ignore")
            writer.writeheader()
            writer.writerows({name: row.get(name, "") for name in columns} for row in rows)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; expected a folder to write to") from None


def configuration_lines(found: Discovered, name: str, folder: Path, config: Path) -> Iterator[str]:
    """The configuration, line by line, with comments."""
    yield f"# Made by cberl init: {_in_one_line(found.what)}."
    yield f"# See whether it is understood: cberl check --configfile {config}"
    yield f"# Then train and evaluate: snakemake --cores all --configfile {config}"
    yield "# config/README.md explains every key; what is not set here has its default there."
    yield from (f"# Note: {_in_one_line(remark)}." for remark in found.remarks)
    if found.kind != "table":  # the project has a configuration for it
        text = (PROJECT / f"config/{found.kind}.yaml").read_text(encoding="utf-8").strip()
        for line in text.split("\n"):
            yield f"  root: {_flow(str(folder))}" if line.startswith("  root: ") else line
        yield f"\nmodalities: [{', '.join(found.modalities)}]"
        return
    yield "corpus:"
    yield f"  name: {name} # results go to results/{name}/"
    yield f"  kind: {found.kind}"
    yield f"  root: {_flow(str(folder))}"
    if found.rows is not None:
        yield f"  file: {TABLE}"
    yield from (f"  {key}: {_flow(value)}" for key, value in found.settings.items())
    yield ""
    yield f"modalities: [{', '.join(found.modalities or ('text',))}]"
    if "text" in found.modalities:
        yield ""
        yield "features:"
        yield "  text:"
        yield "    context_turns: 3 # previous turns that the text encoder sees beside an utterance"


def _in_one_line(text: str) -> str:
    """Text of others in a comment, which a line break would end."""
    return printable(" ".join(text.split()))


def _flow(value: Any) -> str:
    import yaml

    from cberl.corpus.readers.column_names import as_yaml

    if isinstance(value, dict):
        return as_yaml(value)
    style = {"default_flow_style": True, "allow_unicode": True, "width": float("inf")}
    return yaml.safe_dump([value], **style).strip()[1:-1]


def _name_of(folder: Path) -> str:
    """A corpus's name, made from its folder's."""
    name = re.sub(r"[^a-z0-9_-]+", "-", folder.name.lower()).strip("-_")
    return name or "mine"


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as handle:
            handle.write(text)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; expected to write it") from None
