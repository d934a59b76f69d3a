"""Small files that unpack to much cost one line, little memory and little time."""

import os
import re
import subprocess
import sys

import made_bombs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cberl.corpus.readers import bounds
from cberl.corpus.readers.column_files import read_raw_columns
from cberl.errors import InputError

MESSAGES = {
    "parquet of long texts": r"unpacks to more than \d+ bytes; expected a table",
    "parquet of many rows": r"unpacks to \d+ bytes or more; expected at most \d+",
    "parquet of a long list": r"text_features\S*: unpacks to \d+ bytes or more",
    "npz of zeros": r"text_features\.npy: unpacks to 400\d+ bytes or more",
    "npz that lies": r"not a whole NPZ file|unpacks to more than",
    "workbook of blanks": r"unpacks to 400000000 bytes or more",
    "workbook with a far cell": r"unpacks to more than|has 16384 columns; expected at most 2000",
    "csv of many columns": r"has 100003 columns; expected at most 2000",
    "csv with a long cell": r"line 2: holds a cell of more than 131072 characters",
    "csv of nothing": r"holds 1073741824 bytes; expected at most 268435456",
    "json of many keys": r"has 2001 columns; expected at most 2000",
    "json with a long number": r"line 1: .*; expected a JSON object",
    "pickle of many arrays": r"unpacks to more than \d+ bytes; expected a table",
    "pickle of long vectors": r"text: unpacks to \d+ bytes or more; expected at most",
}
READ = """
import resource, sys
from pathlib import Path
from cberl.corpus.readers.column_files import read_raw_columns
from cberl.corpus.readers.packed_columns import PackedVectors
from cberl.corpus.readers.packed_pickles import read_packed_pickle
from cberl.errors import InputError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    path = Path(sys.argv[1])
    read = read_packed_pickle if path.suffix == ".pkl" else read_raw_columns
    for values in read(path)[1].values():
        if isinstance(values, PackedVectors):
            for _ in values.pieces():
                pass
except InputError as error:
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print((after - before) // 1024, children // 1024, error, sep="\\n")
"""


@pytest.mark.parametrize("bomb", made_bombs.BOMBS)
def test_a_bomb_costs_a_line_and_little_memory(tmp_path, bomb):
    suffix, make = made_bombs.BOMBS[bomb]
    path = tmp_path / f"table.{suffix}"
    make(path)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    grown_mb, child_mb, message = done.stdout.splitlines()
    assert message.startswith(f"{path}: ")
    assert re.match(MESSAGES[bomb], message.removeprefix(f"{path}: ")), message
    assert int(grown_mb) < 100
    assert int(child_mb) < 1000


def test_a_table_of_the_usual_size_is_far_from_the_bounds(tmp_path):
    """Even numbered lines pack to no less than a tenth of the bound."""
    rows = 5000
    table = pa.table(
        {
            **{
                name: [f"{value}{number}" for number in range(rows)]
                for name, value in made_bombs.COLUMNS.items()
            },
            "text": [f"Line {number}, as if anybody had said it." for number in range(rows)],
        }
    )
    path = tmp_path / "table.parquet"
    pq.write_table(table, path, compression="zstd")
    assert 10 * table.nbytes < bounds.MOST_TIMES * path.stat().st_size
    places, values = read_raw_columns(path)
    assert len(places) == rows
    assert values["text"][-1] == "Line 4999, as if anybody had said it."


def test_a_file_that_unpacks_to_too_much_for_the_sandbox_is_refused(tmp_path, monkeypatch):
    suffix, make = made_bombs.BOMBS["npz of zeros"]
    path = tmp_path / f"table.{suffix}"
    make(path)
    monkeypatch.setattr(bounds, "ALWAYS_ALLOWED", 1000)
    monkeypatch.setattr(bounds, "MOST_TIMES", 2)
    with pytest.raises(InputError, match=r"expected at most \d+ of a file of this size"):
        read_raw_columns(path)
