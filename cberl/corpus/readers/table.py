"""The reader of a user's own conversations: one file, one row per utterance."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cberl.corpus.annotations import PICKLE_SUFFIXES, find_corpus_file
from cberl.corpus.assemble import Corpus, assemble_corpus
from cberl.corpus.label_names import (
    check_labels,
    class_order,
    cut_scores,
    name_numbered_labels,
    rename_labels,
)
from cberl.corpus.readers.column_files import ColumnFile, read_column_file
from cberl.corpus.readers.column_names import SPLIT_WORDS
from cberl.corpus.readers.odd_cells import find_disorder, find_odd_cells
from cberl.corpus.readers.packed_pickles import read_packed_pickle
from cberl.corpus.readers.text_files import map_control_codes
from cberl.corpus.readers.times import parse_time
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.split import draw_missing_splits
from cberl.errors import InputError
from cberl.modalities import SPLITS

REQUIRED = ("dialogue", "utterance", "speaker")
OPTIONAL = ("text", "label", "split", "group", "media", "start", "end", "audio")


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Control characters but tab and line break. A spreadsheet has vertical tabs for line breaks."""


def read_table_corpus(settings: CorpusSettings, root: Path) -> Corpus:
    """Read a table of conversations.

    Rows of a dialogue stand in the order of speaking. ``media`` is a clip or, with ``start`` and
    ``end``, a piece of a longer recording; ``audio`` is sound apart from it. Rows without a label
    are context. Without a column ``split``, dialogues, speakers or groups are drawn by seed.

    Args:
        settings: ``file`` inside ``root``, its ``encoding``, ``columns`` (theirs -> ours),
            ``classes`` (empty: all labels, sorted), ``labels`` (theirs -> class),
            ``shared_media``, ``split_by``, ``dev_share``, ``test_share`` (0 to 1) and
            ``split_seed``.
        root: folder of the file, from which media paths start; whether the media are there is
            seen when they are decoded.

    Raises:
        InputError: naming row and column, and what was expected.
    """
    path = find_corpus_file(settings, root)
    classes = list(settings.classes)
    pickled = path.suffix.lower() in PICKLE_SUFFIXES
    if pickled:
        rows, _, known_classes, notices = read_packed_pickle(path)
        classes = classes or known_classes
    else:
        file = read_column_file(
            path, REQUIRED, OPTIONAL, mapping=settings.columns, encoding=settings.encoding
        )
        rows, notices = conversation_rows(file), file.notices
        if not settings.shared_media:
            refuse_shared_media(rows)
    rows["label"] = cut_scores(rows["label"], settings.score_edges, classes, str(path))
    if pickled:
        rows["label"] = name_numbered_labels(rows, classes)
    rows, classes = name_classes(rows, classes, settings.labels, path)
    if not pickled:
        notices = [*notices, *find_odd_cells(rows), *find_disorder(rows)]
    rows, split_by, drawn = draw_missing_splits(rows, settings)
    return assemble_corpus(rows, classes, [*notices, *drawn], split_by)


def name_classes(
    rows: pd.DataFrame, classes: Sequence[str], mapping: Mapping[str, str | None], path: Path
) -> tuple[pd.DataFrame, list[str]]:
    """Rename labels by the configuration, and list the classes.

    Args:
        rows: with a column ``label``.
        classes: section ``corpus.classes``; empty: all labels that occur, in order.
        mapping: section ``corpus.labels``.
        path: the file, for messages.

    Raises:
        InputError: labels that `rename_labels` or `check_labels` refuses; fewer than two classes.
    """
    labels, classes = rename_labels(rows["label"], classes, mapping)
    check_labels(labels, classes, mapping, str(path))
    rows = rows.assign(label=labels)
    return rows, classes or classes_of(rows, path)


def classes_of(rows: pd.DataFrame, path: Path) -> list[str]:
    """The labels that occur, numbers in numeric order, others sorted.

    Raises:
        InputError: fewer than two.
    """
    classes = class_order(rows["label"])
    if not classes:
        raise InputError(
            f"{path}: no row has a label; expected a column label with at least two different "
            "ones (if it has another name, corpus.columns: {ITS NAME: label})"
        )
    if len(classes) < 2:
        raise InputError(f"{path}: all labels are {classes[0]}; expected at least two classes")
    return classes


def refuse_shared_media(rows: pd.DataFrame) -> None:
    """Refuse several rows that would each get all of one recording.

    Args:
        rows: as of `conversation_rows`.

    Raises:
        InputError: a media file is named by several rows, of which one has no times or no end; or
            a file of sound is, which is always taken whole.
    """
    if_meant = "; or, if this is meant, corpus.shared_media: true"
    start, end = rows["media_start_s"], rows["media_end_s"]
    users = rows.groupby("media_path")["where"].transform("size")
    latest = start.groupby(rows["media_path"]).transform("max")
    whole = (users > 1) & start.isna() & end.isna()
    endless = (users > 1) & end.isna() & (start < latest)
    whole_words = (
        "has no times, though {} rows name {!r}; expected start and end, or a file for each row"
    )
    _refuse_first(rows, whole, whole_words + if_meant, users)
    endless_words = "has no end, though {} rows name {!r} and others start later; expected an end"
    _refuse_first(rows, endless, endless_words + if_meant, users)
    sounds = rows.groupby("audio_path")["where"].transform("size")
    sound_words = (
        "{} rows name the sound {!r}, of which each would get all; expected it in column media, "
        "with start and end"
    )
    _refuse_first(rows, sounds > 1, sound_words + if_meant, sounds, "audio_path")


def conversation_rows(file: ColumnFile) -> pd.DataFrame:
    """Turn columns into the rows that `assemble_corpus` takes; ``split`` may be null throughout.

    Raises:
        InputError: the first cell that cannot be used, and how many more there are.
    """
    frame = pd.DataFrame(
        {name: file.cell(name) for name in (*REQUIRED, *OPTIONAL)}, dtype=object
    ).assign(where=[f"{file.path}: {place}" for place in file.places])
    for name in ("start", "end"):
        frame[f"{name}_s"] = [None if cell is None else parse_time(cell) for cell in frame[name]]
    _refuse(_find_mistakes(frame))
    return pd.DataFrame(
        {
            "split": frame["split"].map(_split_of),
            "group": frame["group"],
            "dialogue": frame["dialogue"],
            "utterance": frame["utterance"],
            "speaker": frame["speaker"],
            "text": frame["text"].map(_plain_text, na_action="ignore").fillna(""),
            "label": frame["label"],
            "media_path": frame["media"],
            "media_start_s": frame["start_s"].astype(float),
            "media_end_s": frame["end_s"].astype(float),
            "audio_path": frame["audio"],
            "annotated_duration_s": frame["end_s"].astype(float) - frame["start_s"].astype(float),
            "note": frame["text"].map(_note_control, na_action="ignore"),
            "where": frame["where"],
        }
    )


def _split_of(cell: str | None) -> str | None:
    return None if cell is None else SPLIT_WORDS.get(cell.lower(), cell)


def _plain_text(text: str) -> str:
    return map_control_codes(_CONTROL.sub(" ", text))


def _note_control(text: str) -> str | None:
    notes = [
        "control characters in the text read as blanks" if _CONTROL.search(text) else None,
        "control codes in the text read as cp1252" if text != map_control_codes(text) else None,
    ]
    return "; ".join(filter(None, notes)) or None


def _find_mistakes(frame: pd.DataFrame) -> pd.DataFrame:
    """Every cell that cannot be used: columns ``where``, ``column``, ``mistake``, by row."""
    found = []

    def report(rows: pd.Series, column: str, mistake: str) -> None:
        for position in frame.index[rows]:
            text = mistake.format(frame[column].iloc[position])
            found.append((position, frame["where"].iloc[position], column, text))

    for name in REQUIRED:
        report(frame[name].isna(), name, "is empty; expected a value in every row")
    for name in (*REQUIRED, *OPTIONAL):
        if name != "text":
            spoilt = frame[name].map(lambda cell: bool(cell and _CONTROL.search(cell)))
            report(spoilt, name, "is {!r}; expected no control character in it")
    if frame["split"].notna().any():
        splits = frame["split"].map(_split_of)
        known = splits.isin(SPLITS)
        expected = f"; expected {', '.join(SPLITS)}, or no split at all"
        report(frame["split"].isna(), "split", f"is empty{expected}")
        report(~known & frame["split"].notna(), "split", f"is {{!r}}{expected}")
        word = frame["split"].str.lower()
        other = word.groupby(splits).transform("first")
        report(
            known & (word != other),
            "split",
            "is {!r}, though other rows have another word for that split; expected one",
        )
        first = splits.groupby(frame["dialogue"]).transform("first")
        report(
            known & (splits != first),
            "split",
            "is {!r}, but the dialogue began in another; expected one split per dialogue (where "
            "dialogues are numbered anew in each split, put it before their names)",
        )
    for name in ("start", "end"):
        unread = frame[name].notna() & frame[f"{name}_s"].isna()
        report(
            unread,
            name,
            "is {!r}; expected seconds with a point (83.5), a time (0:01:23.5) or an empty cell",
        )
    reversed_times = frame["end_s"].astype(float) < frame["start_s"].astype(float)
    report(reversed_times, "end", "is {!r}, before the start; expected a later time")
    return pd.DataFrame(sorted(found), columns=["position", "where", "column", "mistake"])


def _refuse(mistakes: pd.DataFrame) -> None:
    if mistakes.empty:
        return
    first = mistakes.iloc[0]
    more = f" (and {len(mistakes) - 1} more like this)" if len(mistakes) > 1 else ""
    raise InputError(f"{first['where']}, column {first['column']}: {first['mistake']}{more}")


def _refuse_first(
    rows: pd.DataFrame, wrong: pd.Series, words: str, users: pd.Series, column: str = "media_path"
) -> None:
    """Refuse the first of some rows; ``words`` take a number of rows and a path."""
    if wrong.any():
        first = wrong.idxmax()
        named = words.format(int(users[first]), rows.loc[first, column])
        raise InputError(f"{rows.loc[first, 'where']}: {named}")
