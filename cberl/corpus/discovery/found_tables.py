"""A user's own tables: used as they are, or joined into one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cberl.corpus.discovery.discovered import COLUMNS, NO_VIDEO, Discovered, modalities_of
from cberl.corpus.label_names import class_order, likely_mapping
from cberl.corpus.locate import MEDIA_SUFFIXES
from cberl.corpus.readers.column_files import TABLE_SUFFIXES, read_raw_columns
from cberl.corpus.readers.column_names import SPLIT_WORDS, likely_columns, words_of
from cberl.corpus.readers.packed_columns import holds_others
from cberl.corpus.readers.table import OPTIONAL, REQUIRED
from cberl.corpus.readers.text_files import AUTO, likely_encodings
from cberl.errors import InputError
from cberl.modalities import MODALITIES, SPLITS

MOST_NAMES = 12


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes:
        path: the file.
        values: column of the file -> cells, of text or numbers.
        encoding: what it could be read in.
        others: columns of lists, times of day or the like.
    """

    path: Path
    values: dict[str, Sequence[Any]]
    encoding: str
    others: tuple[str, ...] = ()

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
    tables, remarks = [], []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in TABLE_SUFFIXES and not path.name.startswith((".", "~$")):
            try:
                tables.append(_read_any(path))
            except InputError as error:
                remarks.append(f"a table cannot be read: {error}")
    known = [table for table in tables if {"label", "text"} & table.ours.keys()]
    if not known:
        return None
    splits = _of_splits(known)
    talks = [] if splits else _of_conversations(known)
    best = splits or talks or [max(known, key=lambda table: len(table.ours))]
    left = [table.path.name for table in tables if all(table is not one for one in best)]
    if left:
        more = f" and {len(left) - MOST_NAMES} more" if len(left) > MOST_NAMES else ""
        remarks.append(f"other tables are not read: {', '.join(left[:MOST_NAMES])}{more}")
    whole = len(best) == 1 and set(REQUIRED) <= best[0].ours.keys()
    found = _as_it_is(best[0]) if whole else _put_together(best, each=bool(talks))
    return Discovered(**{**vars(found), "remarks": (*found.remarks, *remarks)})


def _of_splits(tables: Sequence[Table]) -> list[Table]:
    """A table for each split, of several the first by name; none if there are no such."""
    by_split: dict[str, Table] = {}
    for table in tables:
        if table.split:
            by_split.setdefault(table.split, table)
    if not {"train", "test"} <= by_split.keys() or any("split" in t.ours for t in tables):
        return []
    return [by_split[name] for name in SPLITS if name in by_split]


def _of_conversations(tables: Sequence[Table]) -> list[Table]:
    """Tables that seem to be a conversation each: with turns of speakers, and columns alike."""
    alike = [table for table in tables if table.ours == tables[0].ours]
    columns = tables[0].ours.keys()
    each = {"speaker", "text", "label"} <= columns and "dialogue" not in columns
    return alike if each and len(alike) > 1 else []


def _as_it_is(table: Table) -> Discovered:
    """A table that stays; the configuration maps its columns."""
    settings: dict[str, Any] = {"file": table.path.name}
    columns: dict[str, str | None] = {
        theirs: name for name, theirs in table.ours.items() if theirs != name
    }
    remarks = []
    left_out = dict.fromkeys(name for name in table.others if name in COLUMNS)
    if columns or left_out:
        settings["columns"] = columns | left_out
    if columns:
        remarks.append("corpus.columns is guessed from names: check each of them")
    if table.encoding != AUTO:
        settings["encoding"] = table.encoding
    return _discovered(f"the table {table.path.name}", [table], settings, remarks, None)


def _put_together(tables: Sequence[Table], each: bool) -> Discovered:
    """Rows of one or several tables under our names, where those have not all that is needed.

    Args:
        each: whether each table is a conversation; else several are splits.
    """
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
            stem = table.path.stem
            row["dialogue"] = row["dialogue"] or (stem if each else f"{stem}-{at + 1}")
            turns[row["dialogue"]] += 1
            row["utterance"] = row["utterance"] or str(turns[row["dialogue"]])
            row["speaker"] = row["speaker"] or "unknown"
            row["split"] = row["split"] or ("" if each or len(tables) == 1 else table.split) or ""
            rows.append(row)
    more = f" and {len(tables) - MOST_NAMES} more" if len(tables) > MOST_NAMES else ""
    names = ", ".join(table.path.name for table in tables[:MOST_NAMES]) + more
    remarks = []
    if shared:
        remarks.append(
            f"{len(shared)} dialogues are called alike in several files: the split is put before "
            f"their names, as in {tables[0].split}-{shared[0]}"
        )
    guessed = {ours: theirs for ours, theirs in tables[0].ours.items() if ours != theirs}
    if guessed:
        columns = ", ".join(f"{theirs} is {ours}" for ours, theirs in guessed.items())
        remarks.append(f"columns are guessed from names, check each of them: {columns}")
    missing = [name for name in REQUIRED if any(name not in table.ours for table in tables)]
    if each:
        remarks.append(
            f"the {len(tables)} tables have the same columns, and none for a dialogue: each is "
            "taken for one"
        )
    elif missing:
        alone = ", each row without a dialogue is one of its own" if "dialogue" in missing else ""
        remarks.append(
            f"there is no column that looks like {', '.join(missing)}: they are filled in{alone}"
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
        remarks.append("corpus.labels is guessed from spellings: check that it is what you want")
    others = [name for name in tables[0].others if name in COLUMNS]
    if others:
        remarks.append(
            f"column {', '.join(others)} is left out: it holds neither text nor numbers (sound and "
            "pictures are read from files alone)"
        )
    unread = [name for name in tables[0].values if name not in tables[0].ours.values()]
    if unread:
        remarks.append(f"not read: column {', '.join(unread)}")
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
    modalities = _modalities(tables)
    films = any(MEDIA_SUFFIXES[suffix] == "video" for suffix in _suffixes(tables, "media"))
    if films and "video" not in modalities:
        remarks.append(NO_VIDEO)
    return Discovered(what, "table", modalities, settings, rows, tuple(remarks))


def _modalities(tables: Sequence[Table]) -> tuple[str, ...]:
    found = {"text"} if any(any(table.cells("text")) for table in tables) else set()
    for name in ("media", "audio"):  # sound apart from a film takes nothing from it
        found |= {*modalities_of(_suffixes(tables, name))}
    return tuple(name for name in MODALITIES if name in found)


def _suffixes(tables: Sequence[Table], column: str) -> set[str]:
    """Suffixes of the media files that a column names."""
    suffixes = {Path(cell).suffix.lower() for table in tables for cell in table.cells(column)}
    return suffixes & MEDIA_SUFFIXES.keys()


def _read_any(path: Path) -> Table:
    """A table, in the encoding that it can be read in.

    Raises:
        InputError: it cannot be read in any that is likely.
    """
    try:
        return _table(path, AUTO)
    except InputError as error:
        first = error
    for encoding in likely_encodings(path.read_bytes()):
        try:
            return _table(path, encoding)
        except InputError:
            continue
    raise first


def _table(path: Path, encoding: str) -> Table:
    _, values = read_raw_columns(path, encoding)
    others = tuple(name for name, cells in values.items() if holds_others(cells))
    plain = {name: cells for name, cells in values.items() if name not in others}
    return Table(path, plain, encoding, others)
