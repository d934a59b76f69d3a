"""Databases in audformat (audEERING): a header db.yaml beside tables db.NAME.csv or .parquet.

Format: audeering.github.io/audformat, "Database on disk".
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cberl.corpus.discovery.discovered import Discovered, modalities_of
from cberl.corpus.readers.column_files import read_raw_columns
from cberl.corpus.readers.column_names import SYNONYMS
from cberl.errors import InputError

HEADER = "db.yaml"
INDEX = ("file", "start", "end")
SPLIT_NAMES = {"train": "train", "dev": "dev", "test": "test"}


def read_audformat(folder: Path) -> Discovered:
    """Read a database: the table that has emotions, and columns of others about the same files.

    Raises:
        InputError: the header is no YAML; no table has a column of labels.
    """
    import yaml

    header = yaml.safe_load((folder / HEADER).read_text(encoding="utf-8"))
    if not isinstance(header, dict) or not isinstance(header.get("tables"), dict):
        raise InputError(f"{folder / HEADER}: has no tables; expected the header of audformat")
    tables = {
        name: _read_table(folder, name)
        for name, table in header["tables"].items()
        if isinstance(table, dict) and _path_of(folder, name) is not None
    }
    labelled = [name for name in tables if _column_like("label", tables[name])]
    if not labelled:
        raise InputError(
            f"{folder / HEADER}: no table has a column of labels; found "
            f"{', '.join(f'{name} ({chr(44).join(table)})' for name, table in tables.items())}"
        )
    labelled = _gold_first(labelled)
    facts = _facts_by_file(tables)
    rows = [
        row
        for name in labelled
        for row in _rows(tables[name], facts, _split_of(header["tables"][name]))
    ]
    suffixes = {Path(row["media"]).suffix for row in rows}
    text = ("text",) if any(row["text"] for row in rows) else ()
    return Discovered(
        what=f"a database in audformat ({header.get('name', folder.name)}), labels of "
        f"{', '.join(labelled)}",
        kind="table",
        modalities=(*text, *modalities_of(suffixes)),
        rows=rows,
    )


def _gold_first(names: list[str]) -> list[str]:
    """The gold standard's tables where raters have theirs too."""
    gold = [name for name in names if "gold" in name]
    return gold or names


def _path_of(folder: Path, name: str) -> Path | None:
    paths = (folder / f"db.{name}{suffix}" for suffix in (".csv", ".parquet"))
    return next((path for path in paths if path.is_file()), None)


def _read_table(folder: Path, name: str) -> dict[str, list[str]]:
    _, values = read_raw_columns(_path_of(folder, name))
    return {
        column: ["" if cell is None or cell != cell else str(cell) for cell in cells]
        for column, cells in values.items()
    }


def _column_like(ours: str, table: Mapping[str, list[str]]) -> str | None:
    keys = SYNONYMS[ours].split()
    return next((key for key in keys if key in table and key not in INDEX), None)


def _facts_by_file(tables: Mapping[str, Mapping[str, list[str]]]) -> dict[str, dict[str, str]]:
    """Speaker and transcript of a file, from tables without times."""
    facts: dict[str, dict[str, str]] = {}
    for table in tables.values():
        if "file" not in table or "start" in table:
            continue
        for ours in ("speaker", "text"):
            column = _column_like(ours, table)
            for file, cell in zip(table["file"], table.get(column, []), strict=False):
                if cell:
                    facts.setdefault(file, {}).setdefault(ours, cell)
    return facts


def _split_of(table: Mapping[str, Any]) -> str:
    return SPLIT_NAMES.get(str(table.get("split_id", "")), "")


def _rows(
    table: Mapping[str, list[str]], facts: Mapping[str, Mapping[str, str]], split: str
) -> Iterator[dict[str, str]]:
    label = _column_like("label", table)
    own = {ours: _column_like(ours, table) for ours in ("speaker", "text")}
    segmented = "start" in table
    for at, file in enumerate(table["file"]):
        said = {ours: table[column][at] for ours, column in own.items() if column}
        said = {**facts.get(file, {}), **{name: cell for name, cell in said.items() if cell}}
        yield {
            "dialogue": Path(file).with_suffix("").as_posix().replace("/", "-"),
            "utterance": str(at) if segmented else Path(file).stem,
            "speaker": said.get("speaker", "unknown"),
            "text": said.get("text", ""),
            "label": table[label][at],
            "split": split,
            "media": file,
            "start": _seconds(table["start"][at]) if segmented else "",
            "end": _seconds(table["end"][at]) if segmented and "end" in table else "",
        }


def _seconds(time: str) -> str:
    """Seconds of ``0 days 00:00:01.5``, as audformat writes times; of NaT none."""
    import pandas as pd

    value = pd.to_timedelta(time or "NaT", errors="coerce")
    return "" if pd.isna(value) else f"{value.total_seconds():g}"
