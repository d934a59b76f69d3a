"""Annotations and features that are almost right are read, or refused in one line."""

import io
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_corpora import (
    MAKERS,
    SETTINGS,
    iemocap_tuple,
    published_fields,
    table_rows,
    write_table,
)
from mangled import FUZZ, files_like, only_documented_errors

from cberl.corpus.cage.sandbox import Lost, Sandbox
from cberl.corpus.readers.column_files import read_raw_columns
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.corpus.readers.unpack import unpack_columns, unpack_vectors
from cberl.corpus.readers.unpack_pickle import unpack_pickle
from cberl.errors import InputError

OF_PYTHON = re.compile(r"\w+(Error|Exception|Interrupt): ")
"""How a reason begins that is an exception of the reader's own, not a crash of the library."""


def content_of(suffix: str, folder: Path) -> bytes:
    path = folder / f"whole.{suffix}"
    write_table(path, table_rows())
    return path.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return {suffix: content_of(suffix, folder) for suffix in ("tsv", "csv", "jsonl")}


@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl"])
@FUZZ
@given(data=st.data())
def test_a_table_is_read_or_refused(tmp_path, whole, suffix, data):
    path = tmp_path / f"table.{suffix}"
    path.write_bytes(data.draw(files_like(whole[suffix])))
    with only_documented_errors():
        read_corpus(replace(SETTINGS["table"], file=path.name), tmp_path)


@FUZZ
@given(
    rows=st.lists(
        st.dictionaries(
            st.sampled_from(["dialogue", "utterance", "speaker", "text", "label", "start", "x"]),
            st.one_of(st.text(max_size=8), st.integers(), st.floats(), st.none()),
        ),
        max_size=4,
    )
)
def test_rows_of_any_values_are_read_or_refused(tmp_path, rows):
    path = tmp_path / "table.jsonl"
    write_table(path, rows)
    with only_documented_errors():
        read_corpus(replace(SETTINGS["table"], file=path.name), tmp_path)


@pytest.mark.parametrize("kind", ["meld", "iemocap"])
@FUZZ
@given(data=st.data())
def test_an_archive_is_read_or_refused(tmp_path, kind, data):
    root = tmp_path / kind
    if not root.exists():
        MAKERS[kind](root)
    files = sorted(path for path in root.rglob("*") if path.suffix in (".csv", ".txt"))
    path = data.draw(st.sampled_from(files))
    before = path.read_bytes()
    path.write_bytes(data.draw(files_like(before)))
    try:
        with only_documented_errors():
            read_corpus(SETTINGS[kind], root)
    finally:
        path.write_bytes(before)


@pytest.fixture(scope="module")
def unpacking():
    with Sandbox(unpack_columns, time_limit_s=20, memory_limit_mb=600) as sandbox:
        yield sandbox


def packed_files():
    columns = {name: [row[name] for row in table_rows()] for name in table_rows()[0]}
    vectors = [[float(number), 1.0] for number in range(20)]
    parquet, npz = io.BytesIO(), io.BytesIO()
    pq.write_table(pa.table(columns | {"text_features": vectors}), parquet)
    np.savez(npz, **columns, text_features=np.array(vectors))
    return {"parquet": parquet.getvalue(), "npz": npz.getvalue()}


def assert_unpacked_or_refused(path, content, unpack):
    """``unpack`` takes a request for the file; what it raises is no mistake of Python code."""
    path.write_bytes(content)
    reason = ""
    with only_documented_errors():
        try:
            unpack({"path": str(path), "name": path.name, "most_bytes": 1 << 20})
        except Lost as lost:
            # The library crashed or asked for too much: that is what the sandbox is for.
            reason = lost.detail
    assert not OF_PYTHON.match(reason), reason


@pytest.mark.parametrize("suffix", ["parquet", "npz"])
@FUZZ
@given(data=st.data())
def test_a_packed_table_is_unpacked_or_refused(tmp_path, unpacking, suffix, data):
    content = data.draw(files_like(packed_files()[suffix]))
    assert_unpacked_or_refused(tmp_path / f"table.{suffix}", content, unpacking.call)


@pytest.fixture(scope="module")
def unpacking_vectors():
    with Sandbox(unpack_vectors, time_limit_s=20, memory_limit_mb=600) as sandbox:
        yield sandbox


@pytest.mark.parametrize("suffix", ["parquet", "npz"])
@FUZZ
@given(data=st.data())
def test_a_packed_column_of_vectors_is_unpacked_or_refused(
    tmp_path, unpacking_vectors, suffix, data
):
    def unpack(request):
        return list(unpacking_vectors.stream(request | {"column": "text_features"}))

    content = data.draw(files_like(packed_files()[suffix]))
    assert_unpacked_or_refused(tmp_path / f"table.{suffix}", content, unpack)


@pytest.mark.parametrize("suffix", ["parquet", "npz", "xlsx"])
def test_what_holds_nothing_is_refused(tmp_path, suffix):
    path = tmp_path / f"table.{suffix}"
    path.write_bytes(b"PAR1PK\x03\x04\x93NUMPY")
    with pytest.raises(InputError, match=r"^.*not a whole (Parquet file|NPZ file|Excel workbook)"):
        read_raw_columns(path)


@pytest.fixture(scope="module")
def unpacking_pickles():
    with Sandbox(unpack_pickle, time_limit_s=20, memory_limit_mb=600) as sandbox:
        yield sandbox


@FUZZ
@given(data=st.data())
def test_a_pickle_is_unpacked_or_refused(tmp_path, unpacking_pickles, data):
    def unpack(request):
        for modality in unpacking_pickles.call(request)[0]["modalities"]:
            list(unpacking_pickles.stream(request | {"column": modality}))

    whole = pickle.dumps(iemocap_tuple(published_fields()), protocol=data.draw(st.integers(0, 5)))
    assert_unpacked_or_refused(tmp_path / "features.pkl", data.draw(files_like(whole)), unpack)
