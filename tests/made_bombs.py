"""Files that are small and unpack to much, one maker a kind."""

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = {"dialogue": "d", "utterance": "u", "speaker": "A"}


def parquet_of_long_texts(path: Path) -> None:
    """A dictionary of one text of a megabyte, and 20,000 rows that name it."""
    rows = 20_000
    table = {name: pa.array([value] * rows) for name, value in COLUMNS.items()}
    table["text"] = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows, np.int32)), pa.array(["x" * 1_000_000])
    )
    pq.write_table(pa.table(table), path)


def parquet_of_many_rows(path: Path) -> None:
    """Twelve million rows that are all the same."""
    rows = pa.repeat("a text of a usual length, more or less", 2_000_000)
    schema = pa.schema([(name, pa.string()) for name in (*COLUMNS, "text")])
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(6):
            writer.write_table(pa.table([rows] * 4, schema))


def parquet_of_a_long_list(path: Path) -> None:
    """One row with a list of 50 million zeros."""
    values = pa.repeat(pa.scalar(0, pa.int8()), 50_000_000)
    lists = pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)
    names = {name: [value] for name, value in COLUMNS.items()}
    pq.write_table(pa.table(names | {"text_features": lists}), path, compression="zstd")


def npz_of_zeros(path: Path) -> None:
    """A matrix of 400 MB of zeros."""
    np.savez_compressed(path, text_features=np.zeros((20, 2_500_000)))


def npz_that_lies(path: Path) -> None:
    """A header that claims a matrix of 8 TB, and nothing behind it."""
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    padded = header.ljust(117) + "\n"
    content = b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("text_features.npy", content)


def workbook_of_blanks(path: Path) -> None:
    """A sheet of 400 MB of spaces."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 400_000_000)


def workbook_with_a_far_cell(path: Path) -> None:
    """Two cells, one of them in the last row and column that Excel has."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active["A1"] = "dialogue"
    book.active["XFD1048576"] = 1
    book.save(path)


def csv_of_many_columns(path: Path) -> None:
    """A header of 100,000 columns."""
    names = [*COLUMNS, *(f"c{number}" for number in range(100_000))]
    path.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")


def csv_with_a_long_cell(path: Path) -> None:
    """A quote without an end, a megabyte before the end."""
    path.write_text('dialogue,utterance,speaker,text\nd,u,A,"' + "x" * 1_000_000)


def csv_of_nothing(path: Path) -> None:
    """A gigabyte of zeros that takes no room on the disk."""
    with path.open("wb") as handle:
        handle.truncate(1 << 30)


def json_of_many_keys(path: Path) -> None:
    """A key of its own in each of 20,000 lines: a square of empty cells."""
    path.write_text("".join(f'{{"k{number}": 1}}\n' for number in range(20_000)))


def json_with_a_long_number(path: Path) -> None:
    """A whole number of 100,000 digits."""
    path.write_text(json.dumps(COLUMNS)[:-1] + ', "text": ' + "9" * 100_000 + "}\n")


def pickle_of_many_arrays(path: Path) -> None:
    """A megabyte that 10,000 arrays are made of, each with its bytes turned round."""
    kind = b"cnumpy\ndtype\n(U\x02f8K\x00K\x01tR(K\x03U\x01>NNNK\x00K\x00K\x00tb"
    values = np.arange(1 << 17).tobytes()
    shared = b"q\x000B" + len(values).to_bytes(4, "little") + values + b"q\x010"
    empty = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
    filled = b"(K\x01(J" + (1 << 17).to_bytes(4, "little") + b"th\x00\x89h\x01tb"
    path.write_bytes(kind + shared + b"(" + 10_000 * (empty + filled) + b"l.")


def pickle_of_long_vectors(path: Path) -> None:
    """A vector of a million numbers that 1,000 utterances share."""
    turns = range(1000)
    vector = np.ones(1_000_000)
    fields = {"ids": str, "speakers": lambda turn: "A", "labels": lambda turn: turn % 2}
    fields |= dict.fromkeys(("text", "audio", "video"), lambda turn: vector)
    fields |= {"sentences": lambda turn: "Hello."}
    columns = [{"talk": [make(turn) for turn in turns]} for make in fields.values()]
    path.write_bytes(pickle.dumps((*columns, ["talk"], [])))


BOMBS = {
    "parquet of long texts": ("parquet", parquet_of_long_texts),
    "parquet of many rows": ("parquet", parquet_of_many_rows),
    "parquet of a long list": ("parquet", parquet_of_a_long_list),
    "npz of zeros": ("npz", npz_of_zeros),
    "npz that lies": ("npz", npz_that_lies),
    "workbook of blanks": ("xlsx", workbook_of_blanks),
    "workbook with a far cell": ("xlsx", workbook_with_a_far_cell),
    "csv of many columns": ("csv", csv_of_many_columns),
    "csv with a long cell": ("csv", csv_with_a_long_cell),
    "csv of nothing": ("csv", csv_of_nothing),
    "json of many keys": ("jsonl", json_of_many_keys),
    "json with a long number": ("jsonl", json_with_a_long_number),
    "pickle of many arrays": ("pkl", pickle_of_many_arrays),
    "pickle of long vectors": ("pkl", pickle_of_long_vectors),
}
