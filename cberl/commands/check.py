"""``cberl check``: what a corpus holds, how it is understood, and what would stop a run."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cberl.errors import InputError
from cberl.printable import printable

if TYPE_CHECKING:  # for `cberl --help`, which starts without what reads corpora
    from cberl.config_schema import Configuration
    from cberl.corpus.assemble import Corpus


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "check",
        help="read a corpus and list what would stop a run, in seconds",
        description="Read the corpus of a configuration and nothing else, and print rows, splits,\n"
        "classes, speakers, columns, media found and missing, the first rows as they are read,\n"
        "the first problem, and the time and disk space that a whole run would take.",
        epilog="example:\n  cberl check --configfile config/table.yaml\n\n"
        "exit status: 0 no problem found, 2 a problem",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--configfile", default="config/config.yaml", metavar="FILE", help="the configuration"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command: 0, or 2 if something would stop a run."""
    return print_check(load_configuration(Path(options.configfile)))


def print_check(settings: "Configuration") -> int:
    """Print the lines of `check_corpus` and what would stop a run next.

    Args:
        settings: the whole configuration.

    Returns:
        0 if nothing would, else 2.
    """
    try:
        for line in check_corpus(settings):
            print(printable(line), flush=True)
    except InputError as error:
        print(printable(f"\nnext problem: {error}"), flush=True)
        return 2
    print("next problem: none that can be seen before the run", flush=True)
    return 0


def print_remarks(corpus: "Corpus | InputError", root: Path, settings: "Configuration") -> None:
    """Print remarks on a corpus that a run is about to read, on the standard error.

    Args:
        corpus: as it was read, or the error of reading it.
        root: its folder.
        settings: the whole configuration.

    Raises:
        SystemExit: the run would stop later, with the reason in one line.
    """
    try:
        if isinstance(corpus, InputError):
            raise corpus
        remarks = _look_ahead(corpus, root, settings)
    except InputError as error:
        raise SystemExit(printable(f"error: {error}")) from None
    for remark in remarks:
        print(printable(f"note: {remark}"), file=sys.stderr)


def _look_ahead(corpus: "Corpus", root: Path, settings: "Configuration") -> list[str]:
    from cberl.corpus.look_ahead import look_ahead

    max_tokens = min(encoder.max_tokens for encoder in settings.features.text.each)
    limit = settings.corpus.max_unavailable
    return look_ahead(corpus, root, settings.modalities, limit, max_tokens)


def load_configuration(path: Path) -> "Configuration":
    """Read a configuration file and fill in the defaults, as Snakemake does.

    Raises:
        InputError: the file is absent, no YAML, or holds what `check_settings` refuses.
    """
    import yaml

    from cberl.config_schema import Configuration, make_schema
    from cberl.configuration import check_settings
    from cberl.settings import read_settings

    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a configuration")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds no keys; expected a configuration")
    check_settings(values, make_schema("config"), str(path))
    return read_settings(Configuration, values)


def check_corpus(settings: "Configuration") -> Iterator[str]:
    """Lines about a corpus and the run that it is configured for.

    Args:
        settings: the whole configuration.

    Raises:
        InputError: what would stop the run next, after the lines on what could be read.
    """
    from cberl.commands.corpus_overview import describe_corpus, describe_corpus_file
    from cberl.commands.run_cost import estimate_cost
    from cberl.config_schema import make_schema
    from cberl.configuration import read_variants
    from cberl.corpus.readers.read_corpus import read_corpus
    from cberl.provenance import find_path

    root = find_path(settings.corpus.root)
    yield from describe_corpus_file(settings.corpus, root)
    corpus = read_corpus(settings.corpus, root)
    extracted = settings.modalities if settings.corpus.kind != "features" else ()
    yield from describe_corpus(corpus, root, extracted)
    notices = _look_ahead(corpus, root, settings)
    yield from ("", *(f"note: {notice}" for notice in notices)) if notices else ()
    variants = read_variants(find_path(settings.variants), make_schema("variants"))
    yield ""
    yield from estimate_cost(corpus, settings, variants)
    yield ""
