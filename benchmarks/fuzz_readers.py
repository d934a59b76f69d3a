"""Fuzz a reader with coverage: atheris, which is installed by hand (pip install atheris).

    python benchmarks/fuzz_readers.py table.csv -max_total_time=600

The first argument names the reader by the file that it reads: table.csv, table.tsv, table.jsonl,
table.parquet, table.npz, features.pkl or gan.safetensors. What follows is libFuzzer's. Packed
tables and pickles are read in this process, without the sandbox, so that their coverage counts. A
reader that raises anything but InputError ends the run, and its input is kept in a file crash-...
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

try:
    import atheris
except ImportError:
    sys.exit("error: atheris is not installed; run: pip install atheris")

with atheris.instrument_imports(include=["cberl", "csv", "json"]):
    from made_corpora import SETTINGS

    from cberl.artifacts import read_tensors
    from cberl.corpus.readers.read_corpus import read_corpus
    from cberl.corpus.readers.unpack import unpack_columns
    from cberl.corpus.readers.unpack_pickle import unpack_pickle
    from cberl.errors import InputError


def reader_of(name: str) -> Callable[[Path], object]:
    """What reads a file of this name."""
    suffix = Path(name).suffix
    if suffix in (".csv", ".tsv", ".jsonl"):
        return lambda path: read_corpus(replace(SETTINGS["table"], file=path.name), path.parent)
    if suffix in (".parquet", ".npz"):
        return lambda path: unpack_columns(
            {"path": str(path), "name": path.name, "most_bytes": 1 << 24}
        )
    if suffix == ".pkl":
        return unpack_pickle_whole
    if suffix == ".safetensors":
        return lambda path: read_tensors(path, "gan")
    sys.exit(f"error: no reader of {name}; expected one of those named above")


def unpack_pickle_whole(path: Path) -> None:
    """Read a pickle as the sandbox does: its rows, then the vectors of each modality."""
    request = {"path": str(path), "name": path.name, "most_bytes": 1 << 24}
    for modality in unpack_pickle(request)[0]["modalities"]:
        for _ in unpack_pickle(request | {"column": modality}):
            pass


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    name = sys.argv.pop(1)
    read = reader_of(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name

        def try_one(content: bytes) -> None:
            path.write_bytes(content)
            try:
                read(path)
            except InputError:
                return

        atheris.Setup(sys.argv, try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
