"""``cberl predict``: a trained model on new conversations."""

import argparse
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cberl.errors import InputError


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "predict",
        help="predict the emotion of every turn of a new conversation",
        description="Predict the emotion of every turn of a recording, a folder of clips or a\n"
        "table of conversations, with a bundle: results/CORPUS/bundle/VARIANT, or a copy.",
        epilog="examples:\n"
        "  cberl predict talk.mp4 --transcript talk.srt --bundle BUNDLE --out talk\n"
        "  cberl predict talk.mp4 --bundle BUNDLE --out talk    (turns by voice activity)\n"
        "  cberl predict conversations.tsv --bundle BUNDLE --out all\n"
        "  cberl predict --follow --bundle BUNDLE\n"
        "  cberl predict --correct talk/turns.jsonl --out corrected",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        nargs="?",
        metavar="RECORDING",
        help="a recording, a folder of clips, or a table (.tsv, .csv, .jsonl, .parquet, .xlsx)",
    )
    parser.add_argument(
        "--transcript",
        metavar="FILE",
        help="SRT, WebVTT, TSV, CSV, or the JSON of Whisper or WhisperX",
    )
    parser.add_argument(
        "--columns",
        metavar="MAPPING",
        help="of a table whose columns have other names, as corpus.columns of a configuration:"
        " '{utterance_text: text, who: speaker}'",
    )
    parser.add_argument(
        "--encoding", metavar="NAME", help="of a table that is not UTF-8, such as cp1252"
    )
    parser.add_argument("--bundle", metavar="DIR", help="folder of the trained model")
    parser.add_argument("--out", metavar="DIR", help="folder to write: new or empty")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="cpu", help="of the encoders"
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="read turns as JSON Lines from standard input and answer each on standard output",
    )
    parser.add_argument(
        "--correct",
        nargs="+",
        metavar="FILE",
        help="make a corpus from outputs (.jsonl, .parquet, .eaf) in which labels were set by hand",
    )
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Run the command: 0, or an `InputError`."""
    if options.correct:
        _require(options, "out")
        return _correct(options)
    _require(options, "bundle")
    if options.follow:
        return _follow(options)
    _require(options, "out")
    return _predict(options)


def _require(options: argparse.Namespace, name: str) -> None:
    if getattr(options, name) is None:
        options.parser.error(f"--{name} is missing")


def _predict(options: argparse.Namespace) -> int:
    from cberl.corpus.readers.column_files import is_table
    from cberl.predict.new_conversations import TableForm
    from cberl.predict.outputs.write_outputs import check_folder
    from cberl.predict.read_input import read_input

    check_folder(options.out)
    # Cheap to read and often wrong: before the models, which take seconds to load.
    form = TableForm(_read_columns(options.columns), options.encoding or "auto", place="--")
    if (options.columns or options.encoding) and not is_table(options.source):
        raise InputError("--columns and --encoding are of tables; expected a table to predict")
    new = read_input(options.source, options.transcript, form)
    with _loading():
        from cberl.predict.bundle.load import open_bundle
        from cberl.predict.predict_files import predict_into

        models = open_bundle(options.bundle, options.device)
    inputs = [options.source, options.transcript]
    files = predict_into(Path(options.out), models, new, [name for name in inputs if name])
    for file in files:
        print(file)
    return 0


def _read_columns(mapping: str | None) -> dict[str, str | None]:
    """Option ``--columns``: YAML, as a configuration has it."""
    import yaml

    try:
        columns = yaml.safe_load(mapping or "{}")
    except yaml.YAMLError:
        columns = None
    kinds = (str, type(None))
    if not isinstance(columns, dict) or not all(
        isinstance(theirs, str) and isinstance(ours, kinds) for theirs, ours in columns.items()
    ):
        raise InputError(f"--columns is {mapping!r}; expected a mapping: '{{their name: text}}'")
    return columns


def _follow(options: argparse.Namespace) -> int:
    given = [options.source, options.transcript, options.out, options.columns, options.encoding]
    if any(value is not None for value in given):
        raise InputError("--follow reads standard input alone; expected only --bundle")
    with _loading():
        from cberl.predict.bundle.load import open_bundle
        from cberl.predict.live.follow import follow
        from cberl.predict.live.follower import Follower

        follower = Follower(open_bundle(options.bundle, options.device), Path.cwd())
    # Bytes that are no UTF-8 spoil the line that they are in, and no other.
    sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape")
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    follow(follower, sys.stdin, sys.stdout)
    return 0


def _correct(options: argparse.Namespace) -> int:
    from cberl.predict.correct import count_labels, write_corrected

    given = [options.source, options.transcript, options.bundle, options.follow or None]
    given += [options.columns, options.encoding]
    if any(value is not None for value in given):
        raise InputError("--correct reads outputs alone; expected only --correct FILE --out DIR")
    folder = Path(options.out)
    for file in write_corrected([Path(path) for path in options.correct], folder):
        print(file)
    counts = count_labels(folder)
    print("labels: " + ", ".join(f"{label} {count}" for label, count in counts.items()))
    return 0


@contextmanager
def _loading() -> Iterator[None]:
    """Load libraries and models without looking for garbage.

    They make a million objects that stay, and Python walks through all of them again and again
    as they grow in number: a third of the time until the first answer.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
