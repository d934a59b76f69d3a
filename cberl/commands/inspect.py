"""``cberl inspect``: content and origin of an artifact, or the differences between two."""

import argparse
from pathlib import Path
from typing import Any

from cberl.errors import InputError
from cberl.printable import printable

HEADED = {".parquet", ".safetensors"}
"""Suffixes of the artifacts that have a header, with provenance in it."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "inspect",
        help="show a file's content and origin, or how two files differ",
        description="Print a description of a Parquet or safetensors file of the workflow: kind,\n"
        "rows, columns, shapes, class counts, missing values, provenance, first rows.",
        epilog="examples:\n"
        "  cberl inspect results/demo/corpus/utterances.parquet\n"
        "  cberl inspect --diff results/demo/train/cberl/seed0/model.safetensors "
        "results/demo/train/cberl/seed1/model.safetensors\n\n"
        "exit status with --diff: 0 the same, 1 different, 2 error",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="a file under results/")
    parser.add_argument(
        "--diff", nargs=2, metavar=("A", "B"), help="list how A and B differ instead"
    )
    parser.add_argument(
        "--rows", type=int, default=3, metavar="N", help="first rows to print (default 3)"
    )
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Run the command: 0, 1 if two files differ, or an `InputError`."""
    if bool(options.file) == bool(options.diff):
        options.parser.error("expected either FILE or --diff A B")
    if options.diff:
        from cberl.commands.differences import list_differences

        differences = list(list_differences(*options.diff))
        print(printable("\n".join(differences or ["no difference"])))
        return 1 if differences else 0
    from cberl.commands.file_overview import describe_file

    for line in describe_file(options.file, options.rows):
        print(printable(line))
    return 0


def read_any_header(path: str | Path) -> dict[str, Any]:
    """Read an artifact's header, by its suffix.

    Raises:
        InputError: the file is absent, broken, or not written by cberl.
    """
    from cberl.artifacts import read_header, read_tensor_header

    suffix = Path(path).suffix
    if suffix == ".parquet":
        return read_header(path)
    if suffix == ".safetensors":
        return read_tensor_header(path)
    if not Path(path).exists():
        raise InputError(f"{path}: no such file")
    raise InputError(f"{path}: expected a .parquet or .safetensors file of this pipeline")
