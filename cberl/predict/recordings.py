"""The table of recordings that a run of the workflow predicts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cberl.corpus.readers.column_files import is_table
from cberl.corpus.readers.text_files import read_delimited, read_text
from cberl.errors import InputError
from cberl.provenance import find_path

COLUMNS = ("name", "recording", "transcript")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class RecordingFiles:
    """One row: paths of a recording and its transcript, one of which may be None."""

    recording: str | None
    transcript: str | None

    @property
    def files(self) -> list[str]:
        """Those that there are."""
        return [path for path in (self.recording, self.transcript) if path]


def read_recordings(path: Path) -> dict[str, RecordingFiles]:
    """Read the table.

    Returns:
        name -> its row, in the order of the table.

    Raises:
        InputError: the file is absent, a name repeats or cannot be a folder's, a row names no file
            or one that is not there.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; predict.recordings names it")
    recordings: dict[str, RecordingFiles] = {}
    for line, row in read_delimited(read_text(path), path, "\t", COLUMNS):
        where = f"{path}: line {line}"
        name = row["name"].strip()
        if not _NAME.fullmatch(name):
            raise InputError(f"{where}: name {name!r}; expected letters, digits, - and _")
        if name in recordings:
            raise InputError(f"{where}: name {name} appears twice; expected each once")
        files = [_find(row[column].strip(), f"{where}, {column}") for column in COLUMNS[1:]]
        recordings[name] = RecordingFiles(*files)
        if not recordings[name].files:
            raise InputError(f"{where}: names no file; expected a recording, a transcript, or both")
    return recordings


def table_form(settings: Mapping[str, Any], recordings: Mapping[str, RecordingFiles]) -> dict:
    """``columns`` and ``encoding`` of section ``predict``, as far as they are given.

    Raises:
        InputError: they are given, and no recording is a table.
    """
    form = {key: settings[key] for key in ("columns", "encoding") if key in settings}
    if form and not any(is_table(row.recording) for row in recordings.values()):
        raise InputError(
            f"predict.{next(iter(form))} is of tables of conversations; expected one among the"
            " recordings"
        )
    return form


def _find(path: str, where: str) -> str | None:
    if not path:
        return None
    found = find_path(path)
    if not found.exists():
        raise InputError(f"{where}: no such file {path}")
    return str(found)
