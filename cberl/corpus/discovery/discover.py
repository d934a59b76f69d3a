"""Recognising the content of a folder, from public corpora to a user's own table."""

from pathlib import Path

from cberl.corpus.annotations import find_iemocap_dialogues, find_meld_annotations
from cberl.corpus.discovery.audformat import HEADER, read_audformat
from cberl.corpus.discovery.discovered import Discovered
from cberl.corpus.discovery.found_tables import recognise_tables
from cberl.corpus.discovery.named_files import list_media, read_by_pattern, recognise_names
from cberl.corpus.readers.column_files import TABLE_SUFFIXES, read_raw_columns
from cberl.corpus.readers.meld import find_clips
from cberl.errors import InputError


def discover(folder: Path, pattern: str | None = None) -> Discovered:
    """Recognise the content of a folder.

    Args:
        pattern: see `read_by_pattern`.

    Raises:
        InputError: nothing is recognised; with what was found, and what to do.
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
    found = recognise_tables(folder) or recognise_names(folder)
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


def _unknown(folder: Path) -> str:
    media = list_media(folder)
    seen = f"{len(media)} media files" + (
        f", first {media[0].relative_to(folder).as_posix()}" if media else ""
    )
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in TABLE_SUFFIXES]
    tables = [path.name for path in paths]
    for path in paths:
        try:
            read_raw_columns(path)
        except InputError as error:
            return f"{folder}: not recognised; {error}"
    if tables:
        seen += f"; tables whose first row names neither labels nor texts: {', '.join(tables)}"
    return (
        f"{folder}: not recognised ({seen}); expected MELD, IEMOCAP, a database in audformat, a "
        "table with a column of labels or texts, or media files named as RAVDESS, EmoDB, CREMA-D, "
        "TESS or SAVEE name them. Names of your own take --pattern, for instance "
        r"'(?P<speaker>[a-z]+)_(?P<label>[a-z]+)_\d+'"
    )
