"""Recognising what a folder holds, from public corpora to a table of one's own."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cberl.corpus.annotations import find_iemocap_dialogues, find_meld_annotations
from cberl.corpus.discovery.audformat import HEADER, read_audformat
from cberl.corpus.discovery.discovered import Discovered, modalities_of
from cberl.corpus.discovery.named_files import list_media, read_by_pattern, recognise_names
from cberl.corpus.label_names import class_order, likely_mapping
from cberl.corpus.locate import MEDIA_SUFFIXES
from cberl.corpus.readers.column_files import TABLE_SUFFIXES, read_raw_columns
from cberl.corpus.readers.column_names import likely_columns
from cberl.corpus.readers.meld import find_clips
from cberl.corpus.readers.table import OPTIONAL, REQUIRED
from cberl.corpus.readers.text_files import AUTO, likely_encodings
from cberl.errors import InputError


def discover(folder: Path, pattern: str | None = None) -> Discovered:
    """Recognise what a folder holds.

    Args:
        pattern: see `read_by_pattern`.

    Raises:
        InputError: nothing is recognised; what was seen, and what to do.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    if pattern is not None:
        return read_by_pattern(folder, pattern)
    for recognise in (_recognise_meld, _recognise_iemocap):
        found = recognise(folder)
        if found is not None:
            return found
    if (folder / HEADER).is_file():
        return read_audformat(folder)
    found = _recognise_table(folder) or recognise_names(folder)
    if found is None:
        raise InputError(_unknown(folder))
    return found


def _recognise_meld(folder: Path) -> Discovered | None:
    try:
        find_meld_annotations(folder)
    except InputError:
        return None
    clips = any(find_clips(folder, split)[1] for split in ("train", "dev", "test"))
    modalities = ("text", "audio", "video") if clips else ("text",)
    return Discovered("MELD as it is unpacked", "meld", modalities)


def _recognise_iemocap(folder: Path) -> Discovered | None:
    try:
        pairs = find_iemocap_dialogues(folder)
    except InputError:
        return None
    session = pairs[0][0].parent.parent.parent
    audio = ("audio",) if any((session / "sentences/wav").glob("*/*.wav")) else ()
    video = ("video",) if any((session / "dialog/avi/DivX").glob("*.avi")) else ()
    return Discovered("IEMOCAP as it is unpacked", "iemocap", ("text", *audio, *video))


def _recognise_table(folder: Path) -> Discovered | None:
    """The table with most of the columns that are needed; its names are mapped."""
    tables = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in TABLE_SUFFIXES and not path.name.startswith(".")
    ]
    read = [(path, *_read_any(path)) for path in tables]
    best = max(read, key=lambda one: len(_our_columns(list(one[1]))), default=None)
    if best is None or not {"label", "text"} & _our_columns(list(best[1])).keys():
        return None
    path, values, encoding = best
    ours = _our_columns(list(values))
    settings: dict[str, Any] = {"file": path.name}
    columns = {theirs: name for name, theirs in ours.items() if theirs != name}
    if columns:
        settings["columns"] = columns
    if encoding != AUTO:
        settings["encoding"] = encoding
    labels = _labels_of(values, ours)
    mapping = likely_mapping(Counter(filter(None, labels)))
    if mapping:
        settings["labels"] = mapping
    others = [other.name for other in tables if other != path]
    return Discovered(
        f"the table {path.name}",
        "table",
        _modalities_of_table(values, ours),
        settings,
        remarks=tuple(_remarks(path, ours, labels, mapping, others, encoding)),
    )


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


def _our_columns(found: Sequence[str]) -> dict[str, str]:
    """Our name -> column of the file, exact names first, then likely ones."""
    known = (*REQUIRED, *OPTIONAL)
    columns = {name: name for name in found if name in known}
    absent = [name for name in known if name not in columns]
    unread = [name for name in found if name not in columns]
    likely = likely_columns(unread, columns, absent)
    return columns | {ours: theirs for theirs, ours in likely.items()}


def _labels_of(values: dict[str, Sequence[Any]], ours: dict[str, str]) -> list[str]:
    cells = values.get(ours.get("label", ""), ())
    return [str(cell).strip() if cell is not None and cell == cell else "" for cell in cells]


def _modalities_of_table(values: dict[str, Sequence[Any]], ours: dict[str, str]) -> tuple[str, ...]:
    media = {
        Path(str(cell)).suffix.lower()
        for name in ("media", "audio")
        for cell in values.get(ours.get(name, ""), ())
        if cell
    }
    return (*(("text",) if "text" in ours else ()), *modalities_of(media & MEDIA_SUFFIXES.keys()))


def _remarks(
    path: Path,
    ours: dict[str, str],
    labels: Sequence[str],
    mapping: dict[str, str | None],
    others: Sequence[str],
    encoding: str,
) -> Sequence[str]:
    remarks = []
    missing = [name for name in (*REQUIRED, "label") if name not in ours]
    if missing:
        remarks.append(
            f"{path.name} has no column that looks like {', '.join(missing)}: name it in "
            "corpus.columns, or add it to the table"
        )
    if any(theirs != name for name, theirs in ours.items()):
        remarks.append("corpus.columns is guessed from names: see that each is what it says")
    if mapping:
        remarks.append("corpus.labels is guessed from spellings: see that it is what you want")
    if encoding != AUTO:
        remarks.append(f"corpus.encoding is a detector's guess ({encoding}): look at the texts")
    if others:
        remarks.append(f"other tables are not read: {', '.join(others)}")
    if labels:
        names = pd.Series([label for label in labels if label], dtype=object)
        classes = class_order(names)
        remarks.append(f"{len(classes)} labels: {', '.join(classes[:12])}")
    return remarks


def _unknown(folder: Path) -> str:
    media = list_media(folder)
    seen = f"{len(media)} media files" + (
        f", first {media[0].relative_to(folder).as_posix()}" if media else ""
    )
    return (
        f"{folder}: not recognised ({seen}); expected MELD, IEMOCAP, a database in audformat, a "
        "table with a column of labels or texts, or media files named as RAVDESS, EmoDB, CREMA-D, "
        "TESS or SAVEE name them. Names of your own take --pattern, for instance "
        r"'(?P<speaker>[a-z]+)_(?P<label>[a-z]+)_\d+'"
    )
