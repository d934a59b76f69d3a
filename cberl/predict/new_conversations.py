"""From a user's input to the rows that the stages of training read.

All three ways end in the same: rows of table UTTERANCES in a split of their own, so that no name
is taken for one of the training corpus, and the folder that their media paths start from.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.corpus.assemble import name_utterances, number_turns, refuse_repeated_keys
from cberl.corpus.locate import MEDIA_SUFFIXES
from cberl.corpus.natural_order import natural_key
from cberl.corpus.readers.column_files import ColumnFile, read_column_file
from cberl.corpus.readers.odd_cells import find_disorder
from cberl.corpus.readers.table import OPTIONAL, REQUIRED, conversation_rows
from cberl.corpus.readers.text_files import (
    AUTO,
    CONFIGURED,
    map_control_codes,
    read_archive_text,
)
from cberl.corpus.tables import UTTERANCES
from cberl.errors import InputError
from cberl.predict.probe import probe_recording
from cberl.predict.transcripts.read_transcript import read_transcript
from cberl.predict.transcripts.speakers import split_prefix
from cberl.predict.transcripts.turn_rows import Turn, order_turns, to_frame
from cberl.predict.voice import find_speech

NEW = "new"
"""The split of all that is only predicted."""
READ = tuple(name for name in (*REQUIRED, *OPTIONAL) if name not in ("label", "split", "group"))
"""Columns of a table that prediction reads."""


@dataclass(frozen=True)
class TableForm:
    """How a table of conversations is written, as ``corpus.columns`` and ``corpus.encoding``.

    Attributes:
        columns: column of the table -> its name in config/README.md, or None to leave it out.
        encoding: of a text file; `AUTO` takes UTF-8.
        place: where the two are set, for messages; see
            `cberl.corpus.readers.text_files.written_setting`.
    """

    columns: Mapping[str, str | None] = field(default_factory=dict)
    encoding: str = AUTO
    place: str = CONFIGURED


PLAIN_TABLE = TableForm()


@dataclass(frozen=True)
class NewConversations:
    """N turns to be predicted.

    Attributes:
        utterances: table UTTERANCES [N], of split `NEW`, dialogue after dialogue.
        start_s, end_s: float64 [N], seconds into the conversation; NaN where unknown.
        notes: object [N], an irregularity of a turn, or None.
        root: folder that media paths start from.
        durations: conversation -> length of its recording in seconds, if it is known.
    """

    utterances: pd.DataFrame
    start_s: np.ndarray
    end_s: np.ndarray
    notes: np.ndarray
    root: Path
    durations: dict[str, float | None] = field(default_factory=dict)

    @property
    def names(self) -> pd.Series:
        """Each turn's conversation, without the split."""
        return self.utterances["dialogue_id"].str.removeprefix(f"{NEW}/")


def read_recording(recording: Path | None, transcript: Path | None) -> NewConversations:
    """One conversation: a recording with its transcript, or one of the two alone.

    Raises:
        InputError: see `read_transcript`, `probe_recording` and `find_speech`.
    """
    if recording is None and transcript is None:
        raise ValueError("neither a recording nor a transcript")
    turns = None if transcript is None else read_transcript(transcript)
    facts = None if recording is None else probe_recording(recording)
    if turns is None:
        turns = find_speech(recording, facts)
    duration_s = None if facts is None else facts.duration_s
    turns = order_turns(turns, duration_s)
    timed = (turns["end_s"] > turns["start_s"]).to_numpy()
    readable = timed & (facts is not None)
    name = _dialogue_name((recording or transcript).stem)
    utterances = _utterances(
        name,
        turns,
        media_path=np.where(readable, "" if recording is None else recording.name, None),
        media_start_s=turns["start_s"].where(readable),
        media_end_s=turns["end_s"].where(readable),
        annotated_duration_s=(turns["end_s"] - turns["start_s"]).where(timed),
    )
    root = Path.cwd() if recording is None else recording.absolute().parent
    return NewConversations(
        utterances,
        turns["start_s"].to_numpy(dtype=float),
        turns["end_s"].to_numpy(dtype=float),
        turns["note"].to_numpy(dtype=object),
        root,
        {name: duration_s},
    )


def read_clips(folder: Path) -> NewConversations:
    """One conversation from a folder of clips, each a turn, in the order of their names.

    Numbers in names count as numbers. Beside ``NAME.mp4`` may lie ``NAME.txt``, what is said in
    it, with ``SPEAKER:`` in front.

    Raises:
        InputError: no clip in the folder; a text that cannot be read.
    """
    clips = sorted(
        (path for path in folder.iterdir() if _is_clip(path)),
        key=lambda path: natural_key(path.name),
    )
    if not clips:
        raise InputError(f"{folder}: has no clip; expected files such as clip1.mp4")
    turns = to_frame([_turn_of_clip(path) for path in clips])
    name = _dialogue_name(folder.resolve().name)
    utterances = _utterances(name, turns, media_path=[path.name for path in clips])
    nothing = np.full(len(clips), np.nan)
    return NewConversations(
        utterances, nothing, nothing, turns["note"].to_numpy(dtype=object), folder.absolute()
    )


def read_table_file(path: Path, form: TableForm = PLAIN_TABLE) -> NewConversations:
    """Conversations in a table such as the corpus reader's (config/README.md), labels unread.

    Raises:
        InputError: naming row and column, and what was expected.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a table of conversations")
    file = read_column_file(
        path,
        REQUIRED,
        OPTIONAL,
        mapping=form.columns,
        encoding=form.encoding,
        missed=READ,
        place=form.place,
    )
    return from_columns(file, path.absolute().parent)


def from_columns(file: ColumnFile, root: Path) -> NewConversations:
    """Conversations from columns in memory; see `read_table_file`."""
    read = replace(file, cells={name: file.cells[name] for name in READ if name in file.cells})
    rows = name_utterances(conversation_rows(read).assign(split=NEW))
    for notice in (*file.notices, *find_disorder(rows)):
        logging.warning("%s", notice)
    refuse_repeated_keys(rows)
    rows = number_turns(rows)
    utterances = rows.reindex(columns=UTTERANCES.names)
    whole = rows["media_start_s"].isna() & rows["media_end_s"].isna()
    one_medium = rows.groupby("dialogue_id")["media_path"].transform("nunique") == 1
    # Times in several clips are no times of a conversation.
    timed = (~whole & one_medium).to_numpy()
    return NewConversations(
        utterances,
        np.where(timed, rows["media_start_s"].fillna(0.0), np.nan).astype(float),
        np.where(timed, rows["media_end_s"], np.nan).astype(float),
        _notes_of(rows, whole),
        root,
    )


def _notes_of(rows: pd.DataFrame, whole: pd.Series) -> np.ndarray:
    """The notes of a table's rows, and of those without times that each get a whole recording."""
    shared = whole & rows["media_path"].notna() & rows["media_path"].duplicated(keep=False)
    no_times = "no times: all of the recording is read, as for other turns"
    notes = [
        "; ".join(part for part in (note, no_times if own else None) if isinstance(part, str))
        for note, own in zip(rows["note"], shared, strict=True)
    ]
    return np.array([note or None for note in notes], dtype=object)


def _utterances(name: str, turns: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    dialogue = f"{NEW}/{name}"
    count = len(turns)
    given = {
        "utterance_id": [f"{dialogue}/{turn}" for turn in range(count)],
        "split": [NEW] * count,
        "dialogue_id": [dialogue] * count,
        "turn": list(range(count)),
        "speaker": list(turns["speaker"]),
        "text": list(turns["text"].fillna("")),
        **{key: list(values) for key, values in columns.items()},
    }
    return pd.DataFrame(dict.fromkeys(UTTERANCES.names, [None] * count) | given, dtype=object)


def _dialogue_name(stem: str) -> str:
    """A name without the slash that parts split, dialogue and utterance."""
    return stem.replace("/", "_") or "conversation"


def _is_clip(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return path.is_file() and not hidden and path.suffix.lower() in MEDIA_SUFFIXES


def _turn_of_clip(path: Path) -> Turn:
    text = path.with_suffix(".txt")
    if not text.is_file():
        return Turn(None, None, "", "")
    speaker, said = split_prefix(" ".join(map_control_codes(read_archive_text(text)).split()))
    return Turn(None, None, speaker, said)
