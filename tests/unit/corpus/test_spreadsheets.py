"""Excel workbooks as tables of conversations."""

import datetime
import sys
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest
from made_corpora import SETTINGS, table_rows, write_table

from cberl.corpus.readers.read_corpus import read_corpus
from cberl.corpus.readers.spreadsheets import read_sheet
from cberl.errors import InputError

WORKBOOK = replace(SETTINGS["table"], file="utterances.xlsx")


def write_sheet(root, rows, extra=()):
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append([*rows[0], *extra])
    for row in rows:
        sheet.append(list(row.values()))
    workbook.save(root / "utterances.xlsx")


def test_a_sheet_reads_like_any_other_table(tmp_path):
    write_sheet(tmp_path, table_rows())
    write_table(tmp_path / "utterances.tsv", table_rows())
    sheet, table = (read_corpus(one, tmp_path) for one in (WORKBOOK, SETTINGS["table"]))
    pd.testing.assert_frame_equal(sheet.utterances, table.utterances)
    assert sheet.classes == table.classes


def test_cells_are_what_excel_shows(tmp_path):
    rows = [
        {**row, "dialogue": number // 2, "utterance": number % 2, "media": f"{number}.mp4"}
        | {"start": datetime.time(0, 1, 23), "end": 83.5, "label": ("NA", "joy")[number % 2]}
        for number, row in enumerate(table_rows())
    ]
    write_sheet(tmp_path, rows, extra=["", None, "remark"])
    with pytest.raises(InputError, match="label 'NA' looks like a missing label"):
        read_corpus(WORKBOOK, tmp_path)
    corpus = read_corpus(replace(WORKBOOK, labels={"NA": "none of these"}), tmp_path)
    assert corpus.classes == ["joy", "none of these"]
    assert corpus.notices[0] == "utterances.xlsx: not read: column remark"
    assert set(corpus.utterances["media_start_s"]) == {83.0}
    assert set(corpus.utterances["media_end_s"]) == {83.5}


def test_mistakes_are_told_by_the_row_that_excel_shows(tmp_path):
    rows = table_rows()
    rows[4]["speaker"] = None
    write_sheet(tmp_path, rows)
    with pytest.raises(InputError, match=r"utterances\.xlsx: row 6, column speaker: is empty"):
        read_corpus(WORKBOOK, tmp_path)


def test_other_sheets_with_the_same_header_are_refused(tmp_path):
    def write(*headers):
        workbook = openpyxl.Workbook()
        for name, header in zip(("train", "dev", "test"), headers, strict=True):
            sheet = workbook.create_sheet(name)
            sheet.append(header)
            for row in table_rows():
                sheet.append(list(row.values()))
        del workbook["Sheet"]
        workbook.save(tmp_path / "utterances.xlsx")

    header = list(table_rows()[0])
    write(header, header, header)
    with pytest.raises(InputError, match="sheets dev, test begin like the first one, which alone"):
        read_corpus(WORKBOOK, tmp_path)
    write(header, ["remarks"], ["remarks"])
    assert len(read_corpus(WORKBOOK, tmp_path).utterances) == 20


def test_without_openpyxl_it_is_said_what_to_install(tmp_path, monkeypatch):
    write_sheet(tmp_path, table_rows())
    monkeypatch.setitem(sys.modules, "openpyxl", None)  # as if it were not installed
    with pytest.raises(InputError, match="not installed; run: pip install openpyxl, or save"):
        read_sheet(tmp_path / "utterances.xlsx")
