"""What a user points at: a recording, a folder of clips, a table, or a transcript alone."""

from pathlib import Path

from cberl.corpus.readers.column_files import is_table
from cberl.errors import InputError
from cberl.predict.new_conversations import (
    PLAIN_TABLE,
    NewConversations,
    TableForm,
    read_clips,
    read_recording,
    read_table_file,
)
from cberl.predict.transcripts.read_transcript import TRANSCRIPT_SUFFIXES


def read_input(
    source: str | Path | None, transcript: str | Path | None, form: TableForm = PLAIN_TABLE
) -> NewConversations:
    """Read the turns of whatever it is.

    Args:
        source: a recording, a folder of clips or a table of conversations (.tsv, .csv, .jsonl,
            .xlsx, .parquet); None for a transcript alone.
        transcript: of a recording.
        form: of a table.

    Raises:
        InputError: there is nothing to read, or it cannot be read.
    """
    if source is None and transcript is None:
        raise InputError(
            "nothing to predict; expected a recording, a folder, a table, or --transcript"
        )
    path = None if source is None else Path(source)
    if path is not None and (is_table(path) or path.is_dir()):
        if transcript is not None:
            kind = "table" if is_table(path) else "folder of clips"
            raise InputError(
                f"{path}: is a {kind}, whose texts are in it; expected no --transcript"
            )
        return read_table_file(path, form) if is_table(path) else read_clips(path)
    if path is not None and path.suffix.lower() in TRANSCRIPT_SUFFIXES:
        raise InputError(f"{path}: is a transcript; expected it behind --transcript")
    return read_recording(path, None if transcript is None else Path(transcript))
