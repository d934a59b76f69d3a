"""The command ``cberl``: look into artifacts, and predict with what was trained."""

import argparse
import sys
from collections.abc import Sequence

from cberl.commands import bundle, check, forget, init, predict
from cberl.errors import InputError
from cberl.log import note_on_terminal
from cberl.printable import printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0; 1 if two artifacts differ; 2 if the input cannot be used; 130 if it is interrupted.
    """
    options = _parser().parse_args(arguments)
    note_on_terminal()
    try:
        return options.run(options)
    except InputError as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, head or less, has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:  # how a live prediction is ended at a terminal
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cberl",
        description="Look into the files that the workflow wrote, and use its models.",
        epilog="example:\n  cberl inspect results/demo/evaluate/summary.parquet",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    inspect = commands.add_parser(
        "inspect",
        help="show what a file holds and where it came from, or how two files differ",
        description="Print of a Parquet or safetensors file of the workflow: what it is, rows, "
        "columns, shapes, class counts, missing values, provenance, first rows.",
        epilog="examples:\n"
        "  cberl inspect results/demo/corpus/utterances.parquet\n"
        "  cberl inspect --diff results/demo/train/cberl/seed0/model.safetensors "
        "results/demo/train/cberl/seed1/model.safetensors\n\n"
        "exit status with --diff: 0 the same, 1 different, 2 trouble",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inspect.add_argument("file", nargs="?", metavar="FILE", help="a file under results/")
    inspect.add_argument(
        "--diff", nargs=2, metavar=("A", "B"), help="say in what A and B differ instead"
    )
    inspect.add_argument(
        "--rows", type=int, default=3, metavar="N", help="first rows to print (default 3)"
    )
    inspect.set_defaults(run=_inspect, parser=inspect)
    lineage = commands.add_parser(
        "lineage",
        help="list everything that a file was made from, back to the raw data",
        description="Walk from a file back to the raw data by the provenance that each artifact "
        "carries, and say which files have changed or gone since.",
        epilog="example:\n  cberl lineage results/demo/train/cberl/seed0/predictions.parquet",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    lineage.add_argument("file", metavar="FILE", help="a file under results/")
    lineage.set_defaults(run=_lineage)
    verify = commands.add_parser(
        "verify",
        help="check that all files are as written and as new as what they were made from",
        description="Hold every file under a folder against the digest in it, and against what it "
        "was made from: list what is broken, missing, older than its inputs, or foreign.",
        epilog="examples:\n"
        "  cberl verify results/\n"
        "  cberl verify results/meld --rebuild --yes --configfile config/meld.yaml\n\n"
        "exit status: 0 all as written, 1 something found, 2 trouble",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("folder", nargs="?", default="results", metavar="FOLDER")
    verify.add_argument(
        "--rebuild", action="store_true", help="print the snakemake command that mends it"
    )
    verify.add_argument("--yes", action="store_true", help="with --rebuild: run that command")
    verify.add_argument(
        "--configfile", metavar="FILE", help="the configuration that the results were made with"
    )
    verify.set_defaults(run=_verify)
    init.add_parser(commands)
    check.add_parser(commands)
    bundle.add_parser(commands)
    predict.add_parser(commands)
    forget.add_parser(commands)
    return parser


def _inspect(options: argparse.Namespace) -> int:
    if bool(options.file) == bool(options.diff):
        options.parser.error("expected either FILE or --diff A B")
    if options.diff:
        from cberl.commands.differences import list_differences

        differences = list(list_differences(*options.diff))
        print(printable("\n".join(differences or ["no difference"])))
        return 1 if differences else 0
    from cberl.commands.inspect import describe_file

    for line in describe_file(options.file, options.rows):
        print(printable(line))
    return 0


def _lineage(options: argparse.Namespace) -> int:
    from cberl.commands.lineage import trace_file

    for line in trace_file(options.file):
        print(printable(line))
    return 0


def _verify(options: argparse.Namespace) -> int:
    import shlex

    from cberl.commands.verify import Verifier

    verifier = Verifier(options.folder)
    for finding in verifier.check():
        print(printable(str(finding)))
    print(verifier.summary())
    if not (options.rebuild and verifier.found):
        return 1 if verifier.found else 0
    for call in verifier.snakemake_calls(options.configfile):
        print(shlex.join(call), flush=True)
    return verifier.rebuild(options.configfile) if options.yes else 1
