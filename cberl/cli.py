"""The command ``cberl``: its subcommands, and what becomes of their errors."""

import argparse
import sys
from collections.abc import Sequence

from cberl.commands import bundle, check, forget, init, inspect, lineage, predict, verify
from cberl.errors import InputError
from cberl.log import note_on_terminal
from cberl.printable import printable

SUBCOMMANDS = (init, check, predict, bundle, inspect, lineage, verify, forget)
"""In the order of the help; these modules import nothing heavy, so that it starts at once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0; 1 if artifacts differ or are not as they should be; 2 if the input cannot be used; 130
        if it is interrupted.
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
        description="Prepare a corpus for the workflow, use its models, and inspect what it wrote.",
        epilog="examples:\n"
        "  cberl init ~/recordings\n"
        "  cberl inspect results/demo/evaluate/summary.parquet\n"
        "  cberl predict --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for subcommand in SUBCOMMANDS:
        subcommand.add_parser(commands)
    return parser
