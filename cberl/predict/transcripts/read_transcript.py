"""Reading a transcript, whatever its kind."""

from pathlib import Path

import pandas as pd

from cberl.corpus.readers.text_files import DELIMITERS, map_control_codes, read_archive_text
from cberl.errors import InputError
from cberl.predict.transcripts.delimited import read_delimited_turns
from cberl.predict.transcripts.subtitles import read_subtitles
from cberl.predict.transcripts.turn_rows import to_frame
from cberl.predict.transcripts.whisper import read_whisper

TRANSCRIPT_SUFFIXES = (".srt", ".vtt", ".tsv", ".csv", ".json")


def read_transcript(path: str | Path) -> pd.DataFrame:
    """Read the turns of one recording.

    Args:
        path: SRT, WebVTT, TSV or CSV with start, end, speaker and text, or the JSON of Whisper or
            WhisperX; UTF-8 or cp1252.

    Returns:
        columns `cberl.predict.transcripts.turn_rows.TURN_COLUMNS`, in the order of the file; see
        `cberl.predict.transcripts.turn_rows.order_turns` for what comes next.

    Raises:
        InputError: no such file, another format or encoding, times that cannot be read, no turn.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a transcript")
    suffix = path.suffix.lower()
    if suffix not in TRANSCRIPT_SUFFIXES:
        expected = ", ".join(TRANSCRIPT_SUFFIXES)
        raise InputError(f"{path}: ends in {suffix!r}; expected a transcript in {expected}")
    if suffix in DELIMITERS:
        turns = read_delimited_turns(path)
    else:
        text = map_control_codes(read_archive_text(path))
        turns = (read_whisper if suffix == ".json" else read_subtitles)(text, path)
    if not turns:
        raise InputError(f"{path}: has no turn; expected at least one")
    return to_frame(turns)
