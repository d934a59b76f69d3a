"""The reader of a user's own conversations: one file, one row per utterance."""

from pathlib import Path

import pandas as pd

from cberl.corpus.annotations import find_corpus_file
from cberl.corpus.assemble import Corpus, assemble_corpus
from cberl.corpus.readers.column_files import ColumnFile, read_column_file
from cberl.corpus.readers.times import parse_time
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.split import deal_missing_splits
from cberl.errors import InputError
from cberl.modalities import SPLITS

REQUIRED = ("dialogue", "utterance", "speaker")
OPTIONAL = ("text", "label", "split", "media", "start", "end", "audio")


def read_conversations(settings: CorpusSettings, root: Path) -> Corpus:
    """Read a table of conversations.

    Rows of a dialogue stand in the order of speaking. ``media`` is a clip or, with ``start`` and
    ``end``, a piece of a longer recording; ``audio`` is sound apart from it. Rows without a label
    are context. Without a column ``split``, dialogues are dealt by seed.

    Args:
        settings: ``file`` inside ``root``, ``classes`` (empty: all labels, sorted),
            ``dev_share``, ``test_share`` (0 to 1) and ``split_seed``.
        root: folder of the file, from which media paths start; whether the media are there is
            seen when they are decoded.

    Raises:
        InputError: naming row and column, and what was expected.
    """
    file = read_column_file(find_corpus_file(settings, root), REQUIRED, OPTIONAL)
    rows = conversation_rows(file)
    rows["split"] = deal_missing_splits(rows, settings)
    return assemble_corpus(rows, list(settings.classes) or classes_of(rows, file.path))


def classes_of(rows: pd.DataFrame, path: Path) -> list[str]:
    """The labels that occur, sorted.

    Raises:
        InputError: fewer than two.
    """
    classes = sorted(rows["label"].dropna().unique())
    if len(classes) < 2:
        raise InputError(f"{path}: has {len(classes)} different labels; expected at least two")
    return classes


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
            "split": frame["split"],
            "dialogue": frame["dialogue"],
            "utterance": frame["utterance"],
            "speaker": frame["speaker"],
            "text": frame["text"].fillna(""),
            "label": frame["label"],
            "media_path": frame["media"],
            "media_start_s": frame["start_s"].astype(float),
            "media_end_s": frame["end_s"].astype(float),
            "audio_path": frame["audio"],
            "annotated_duration_s": frame["end_s"].astype(float) - frame["start_s"].astype(float),
            "where": frame["where"],
        }
    )


def _find_mistakes(frame: pd.DataFrame) -> pd.DataFrame:
    """Every cell that cannot be used: columns ``where``, ``column``, ``mistake``, by row."""
    found = []

    def report(rows: pd.Series, column: str, mistake: str) -> None:
        for position in frame.index[rows]:
            text = mistake.format(frame[column].iloc[position])
            found.append((position, frame["where"].iloc[position], column, text))

    for name in REQUIRED:
        report(frame[name].isna(), name, "is empty; expected a value in every row")
    if frame["split"].notna().any():
        known = frame["split"].isin(SPLITS)
        report(~known, "split", f"is {{!r}}; expected {', '.join(SPLITS)}, or no split at all")
        first = frame.groupby("dialogue")["split"].transform("first")
        report(
            known & (frame["split"] != first),
            "split",
            "is {!r}, but the dialogue began in another; expected one split per dialogue",
        )
    for name in ("start", "end"):
        unread = frame[name].notna() & frame[f"{name}_s"].isna()
        report(unread, name, "is {!r}; expected seconds (83.5) or a time (0:01:23.5)")
    reversed_times = frame["end_s"].astype(float) <= frame["start_s"].astype(float)
    report(reversed_times, "end", "is {!r}, not after the start; expected a later time")
    return pd.DataFrame(sorted(found), columns=["position", "where", "column", "mistake"])


def _refuse(mistakes: pd.DataFrame) -> None:
    if mistakes.empty:
        return
    first = mistakes.iloc[0]
    more = f" (and {len(mistakes) - 1} more like this)" if len(mistakes) > 1 else ""
    raise InputError(f"{first['where']}, column {first['column']}: {first['mistake']}{more}")
