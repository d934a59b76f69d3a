"""A user's own tables: used as they are, or joined into one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cberl.corpus.discovery.discovered import COLUMNS, Discovered, modalities_of
from cberl.corpus.label_names import class_order, likely_mapping
from cberl.corpus.locate import MEDIA_SUFFIXES
from cberl.corpus.readers.column_files import TABLE_SUFFIXES, read_raw_columns
from cberl.corpus.readers.column_names import SPLIT_WORDS, likely_columns, words_of
from cberl.corpus.readers.table import OPTIONAL, REQUIRED
from cberl.corpus.readers.text_files import AUTO, likely_encodings
from cberl.errors import InputError
from cberl.modalities import MODALITIES

MOST_NAMES = 12


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes:
        path: the file.
        values: column of the file -> cells.
        encoding: what it could be read in.
    """

    path: Path
    values: dict[str, Sequence[Any]]
    encoding: str

    @property
    def ours(self) -> dict[str, str]:
        """Our name -> column of the file, exact names first, then likely ones."""
        known = (*REQUIRED, *OPTIONAL)
        columns = {name: name for name in self.values if name in known}
        absent = [name for name in known if name not in columns]
        unread = [name for name in self.values if name not in columns]
        likely = likely_columns(unread, columns, absent)
        return columns | {ours: theirs for theirs, ours in likely.items()}

    def cells(self, ours: str) -> list[str]:
        """A column by our name as text, empty where there is nothing; all empty if it lacks."""
        theirs = self.ours.get(ours)
        if theirs is None:
            return [""] * max(map(len, self.values.values()))
        cells = self.values[theirs]
        return ["" if cell is None or cell != cell else str(cell).strip() for cell in cells]

    @property
    def split(self) -> str | None:
        """The split by the file's name."""
        names = {SPLIT_WORDS[word] for word in words_of(self.path.stem) if word in SPLIT_WORDS}
        return names.pop() if len(names) == 1 else None


def recognise_tables(folder: Path) -> Discovered | None:
    """The table with most of the columns that are needed, or those of several splits.

    A table with labels or texts alone, without dialogues, is written anew: each row a dialogue.
    """
    tables = [
        Table(path, *_read_any(path))
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in TABLE_SUFFIXES and not path.name.startswith(".")
    ]
    tables = [table for table in tables if {"label", "text"} & table.ours.keys()]
    by_split = {table.split: table for table in tables if table.split}
    if {"train", "test"} <= by_split.keys() and not any("split" in t.ours for t in tables):
        return _put_together(
            [by_split[name] for name in ("train", "dev", "test") if name in by_split]
        )
    if not tables:
        return None
    best = max(tables, key=lambda table: len(table.ours))
    others = [table.path.name for table in tables if table is not best]
    remarks = [f"other tables are not read: {', '.join(others)}"] if others else []
    whole = set(REQUIRED) <= best.ours.keys()
    found = _as_it_is(best) if whole else _put_together([best])
    return Discovered(**{**vars(found), "remarks": (*found.remarks, *remarks)})


def _as_it_is(table: Table) -> Discovered:
    """A table that stays; the configuration maps its columns."""
    settings: dict[str, Any] = {"file": table.path.name}
    columns = {theirs: name for name, theirs in table.ours.items() if theirs != name}
    remarks = []
    if columns:
        settings["columns"] = columns
        remarks.append("corpus.columns is guessed from names: see that each is what it says")
    if table.encoding != AUTO:
        settings["encoding"] = table.encoding
    return _discovered(f"the table {table.path.name}", [table], settings, remarks, None)


def _put_together(tables: Sequence[Table]) -> Discovered:
    """Rows of one or several tables under our names, where those have not all that is needed."""
    rows = []
    files_of = Counter(
        name for table in tables for name in dict.fromkeys(table.cells("dialogue")) if name
    )
    shared = [name for name, files in files_of.items() if files > 1]
    for table in tables:
        turns: Counter[str] = Counter()
        part = {name: table.cells(name) for name in COLUMNS}
        for at in range(len(part["label"])):
            row = {name: part[name][at] for name in COLUMNS}
            if files_of[row["dialogue"]] > 1:
                row["dialogue"] = f"{table.split}-{row['dialogue']}"
            row["dialogue"] = row["dialogue"] or f"{table.path.stem}-{at + 1}"
            turns[row["dialogue"]] += 1
            row["utterance"] = row["utterance"] or str(turns[row["dialogue"]])
            row["speaker"] = row["speaker"] or "unknown"
            row["split"] = row["split"] or (table.split if len(tables) > 1 else "") or ""
            rows.append(row)
    names = ", ".join(table.path.name for table in tables)
    remarks = []
    if shared:
        remarks.append(
            f"{len(shared)} dialogues are called alike in several files: the split is put before "
            f"their names, as in {tables[0].split}-{shared[0]}"
        )
    missing = [name for name in REQUIRED if any(name not in table.ours for table in tables)]
    if missing:
        remarks.append(
            f"there is no column that looks like {', '.join(missing)}: they are filled in, each "
            "row without a dialogue is one of its own"
        )
    settings = {} if any(row["split"] for row in rows) else {"split_by": "dialogue"}
    settings = settings if "speaker" in missing else {}
    return _discovered(f"{len(rows)} rows of {names}", tables, settings, remarks, rows)


def _discovered(
    what: str,
    tables: Sequence[Table],
    settings: dict[str, Any],
    remarks: list[str],
    rows: list[dict[str, str]] | None,
) -> Discovered:
    labels = [label for table in tables for label in table.cells("label") if label]
    mapping = likely_mapping(Counter(labels))
    if mapping:
        settings["labels"] = mapping
        remarks.append("corpus.labels is guessed from spellings: see that it is what you want")
    guessed = sorted({table.encoding for table in tables} - {AUTO})
    if guessed:
        remarks.append(
            f"the encoding is a detector's guess ({', '.join(guessed)}): look at the texts"
        )
    if labels:
        classes = class_order(pd.Series(labels, dtype=object))
        remarks.append(f"{len(classes)} labels: {', '.join(classes[:MOST_NAMES])}")
    else:
        remarks.append("no column looks like label: name it in corpus.columns, or add it")
    return Discovered(what, "table", _modalities(tables), settings, rows, tuple(remarks))


def _modalities(tables: Sequence[Table]) -> tuple[str, ...]:
    found = {"text"} if any(any(table.cells("text")) for table in tables) else set()
    for name in ("media", "audio"):  # sound apart from a film takes nothing from it
        suffixes = {Path(cell).suffix.lower() for table in tables for cell in table.cells(name)}
        found |= {*modalities_of(suffixes & MEDIA_SUFFIXES.keys())}
    return tuple(name for name in MODALITIES if name in found)


def _read_any(path: Path) -> tuple[dict[str, Sequence[Any]], str]:
    """Columns of a table, and the encoding that it could be read in; none if in no one."""
    try:
        return read_raw_columns(path)[1], AUTO
    except InputError:
        encodings = likely_encodings(path.read_bytes())
    for encoding in encodings:
        try:
            return read_raw_columns(path, encoding)[1], encoding
        except InputError:
            continue
    return {}, AUTO
