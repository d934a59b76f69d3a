"""Columns with other names: mapped by the configuration, never by guess."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath

import yaml

from cberl.corpus.locate import MEDIA_SUFFIXES
from cberl.corpus.readers.text_files import CONFIGURED, written_setting
from cberl.errors import InputError

SYNONYMS = {
    "dialogue": "dialogue dialog conversation conv chat scene thread interview session dialogues",
    "utterance": "utterance utt turn segment seg",
    "speaker": "speaker spk spkr actor participant talker character subject person who speakers",
    "text": "text transcript transcription sentence utterances content words caption subtitle "
    "message asr said texts transcripts sentences utterance",
    "label": "label emotion emo class category target annotation affect mood feeling labels "
    "emotions sentiment",
    "split": "split partition set fold subset portion phase mode usage splits partitions folds",
    "media": "media file filename filepath path video clip recording movie mp4 avi mov mkv files",
    "audio": "audio wav wave sound mp3 flac",
    "start": "start begin onset beginning starts begins from tmin xmin tstart tbegin t0",
    "end": "end stop offset finish ends stops ending to until tmax xmax tend t1",
}
"""Column -> words that stand for it in other tables, the likeliest first."""

_NUMBERING = "id ids name no number nr num index idx key code"
_OF_FILE = "file files filename name path filepath relative rel full abs absolute location url uri"
_OF_TIME = (
    "time times timestamp timecode ts sec secs second seconds s utterance utt segment seg clip "
    "turn audio media video speech"
)
BESIDE = {
    "dialogue": _NUMBERING,
    "utterance": _NUMBERING,
    "speaker": f"{_NUMBERING} label",
    "text": "raw clean full utterance utt normalized spoken turn script",
    "label": "gold majority final name id true categorical main primary dominant value consensus "
    "annotated perceived",
    "split": "data dataset name type id official train test dev cv",
    "media": _OF_FILE,
    "audio": _OF_FILE,
    "start": f"{_OF_TIME} offset",
    "end": _OF_TIME,
}
"""Column -> words that may stand beside those in its name."""

_ONLY_NUMBERED = {"dialogue": "video recording", "utterance": "clip sentence line"}
"""Column -> words that stand for it beside a word of numbering alone (``video_id``)."""

_OTHER_UNITS = {
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("frame", "frames"), "frames"),
    **dict.fromkeys(("sample", "samples"), "samples"),
}
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("dev", "devel", "development", "val", "valid", "validation"), "dev"),
    **dict.fromkeys(("test", "testing", "tst", "eval", "evaluation"), "test"),
}
"""What others call a split, in small letters -> its name here."""
_YES_AND_NO = {"0", "1", "yes", "no", "true", "false", "y", "n", "t", "f", "x", ""}
_LENGTHS = {"duration", "dur", "length"}


def map_columns(
    path: Path,
    found: Sequence[str],
    known: Sequence[str],
    mapping: Mapping[str, str | None],
    missed: Sequence[str],
    place: str = CONFIGURED,
) -> dict[str, str]:
    """Find out which column of a file is which.

    Args:
        found: the file's columns.
        known: names that a column may have here.
        mapping: setting ``columns``: column of the file -> one of ``known``, or None.
        missed: those of ``known`` that a column by another name is looked for, if absent.
        place: where ``mapping`` is set, for messages; see `written_setting`.

    Returns:
        name among ``known`` -> column of the file, for those that the file has.

    Raises:
        InputError: the mapping names what is not there or one thing twice; a column that is
            likely meant for one of ``known`` has another name and is not in the mapping.
    """
    _check_mapping(path, found, known, mapping, place)
    columns = {name: name for name in found if name in known and name not in mapping}
    for theirs, ours in mapping.items():
        if ours in columns:
            raise InputError(
                f"{place}columns: {theirs} is to be {ours}, but {path} has a column {ours} too; "
                f"expected one, the other mapped to null"
            )
        if ours is not None:
            columns[ours] = theirs
    _refuse_likely(path, [name for name in found if name not in mapping], columns, missed, place)
    return columns


def _check_mapping(
    path: Path,
    found: Sequence[str],
    known: Sequence[str],
    mapping: Mapping[str, str | None],
    place: str,
) -> None:
    for theirs, ours in mapping.items():
        if theirs not in found:
            raise InputError(
                f"{place}columns: {path} has no column {theirs}{_did_you_mean(theirs, found)}; "
                f"found {', '.join(found)}"
            )
        if ours is not None and ours not in known:
            raise InputError(
                f"{place}columns: {theirs} is to be {ours}{_did_you_mean(ours, known)}; expected "
                f"one of {', '.join(known)}, or null"
            )


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _refuse_likely(
    path: Path,
    unmapped: Sequence[str],
    columns: Mapping[str, str],
    missed: Sequence[str],
    place: str,
) -> None:
    """Refuse columns whose names suggest that they are one of those that are missing."""
    absent = [name for name in missed if name not in columns]
    unread = [name for name in unmapped if name not in columns.values()]
    for name in unread:
        _refuse_other_unit(path, name, absent, place)
    likely = likely_columns(unread, columns, absent)
    if likely:
        named = ", ".join(likely)
        meant = (
            f"column {named} is unknown; did you mean {next(iter(likely.values()))}? Then rename it"
            if len(likely) == 1
            else f"columns {named} are unknown by these names; rename them"
        )
        raise InputError(
            f"{path}: {meant} or write {_written(place, likely)} (null in place of a name "
            "leaves a column out)"
        )
    for name in unread:
        if "end" in absent and "start" in columns and set(words_of(name)) & _LENGTHS:
            raise InputError(
                f"{path}: column {name} is a length, but there is no end; expected a column end "
                f"(start and {name} added), or {_written(place, {name: None})}"
            )


def refuse_by_content(
    path: Path,
    cells: Mapping[str, Sequence[object]],
    columns: Mapping[str, str],
    missed: Iterable[str],
    place: str = CONFIGURED,
) -> None:
    """Refuse columns that by what is in them are one of those that are missing.

    Args:
        cells: unread column -> its cells.
        columns: our name -> column of the file, for those that are read.
        missed: our names that are looked for, if absent.
        place: as of `map_columns`.

    Raises:
        InputError: a column holds names of splits, or of media files, and there is no such column.
    """
    absent = [name for name in missed if name not in columns]
    for name, values in cells.items():
        if not all(value is None or isinstance(value, str | int | float) for value in values):
            continue
        words = {str(value).strip().lower() for value in values if value is not None} - {""}
        splits = bool(words) and words <= SPLIT_WORDS.keys()
        of_a_split = not SPLIT_WORDS.keys().isdisjoint(words_of(name)) and words <= _YES_AND_NO
        if "split" in absent and (splits or of_a_split):
            mapping = {name: "split" if splits else None}
            raise InputError(
                f"{path}: column {name} ({', '.join(sorted(words)[:3])}) is about splits, but "
                "there is no column split, and new splits would be drawn; expected one that "
                f"holds train, dev and test (or {_written(place, mapping)})"
            )
        files = bool(words) and all(PurePath(word).suffix in MEDIA_SUFFIXES for word in words)
        if "media" in absent and files:
            raise InputError(
                f"{path}: column {name} holds media files ({min(words)}), but there is no column "
                f"media; rename it or write {_written(place, {name: 'media'})} (null in "
                "place of the name leaves it out)"
            )


def likely_columns(
    unread: Sequence[str], columns: Mapping[str, str], absent: Sequence[str]
) -> dict[str, str]:
    """Find the columns that are likely those that are absent.

    Args:
        unread: columns of the file that are not read.
        columns: our name -> column of the file, for those that are.
        absent: our names that the file lacks.

    Returns:
        column of the file -> our name.
    """
    likely: dict[str, str] = {}
    if "text" in absent and columns.get("utterance") == "utterance":
        # As in MELD: the transcript is called utterance, its number utterance_id.
        number = _best("utterance", unread)
        if number and not _best("text", unread):
            likely = {number: "utterance", "utterance": "text"}
    for ours in absent:
        free = [name for name in unread if name not in likely]
        best = None if ours in likely.values() else _best(ours, free)
        if best is None and ours == "media":
            best = _best("audio", free)
        if best is not None:
            likely[best] = ours
    lengths = any(_LENGTHS & set(words_of(name)) for name in unread)
    if lengths and "start" in absent and "start" not in likely.values():
        # Beside a length, an offset is where the utterance begins.
        likely = {name: "start" if ours == "end" else ours for name, ours in likely.items()}
    for name in unread:
        rest = [ours for ours in absent if ours not in likely.values()]
        close = difflib.get_close_matches(name.lower(), rest, n=1, cutoff=0.75)
        if close and name not in likely:
            likely[name] = close[0]
    return likely


def _best(ours: str, names: Sequence[str]) -> str | None:
    """The likeliest of some columns for one of ours, if any is; of equal ones the first."""
    ranks = {name: rank for name in names if (rank := _rank(ours, name)) is not None}
    return min(ranks, key=lambda name: ranks[name]) if ranks else None


def _rank(ours: str, name: str) -> tuple[int, int] | None:
    """How likely a column is one of ours, the likeliest lowest; None: there is no evidence."""
    keys, beside = SYNONYMS.get(ours, "").split(), BESIDE.get(ours, "").split()
    numbered = not set(words_of(name)).isdisjoint(_NUMBERING.split())
    if numbered:
        keys += _ONLY_NUMBERED.get(ours, "").split()
    words = _split_words(name, keys, beside)
    ranks = [rank for rank, key in enumerate(keys) if key in words]
    if not ranks or not words <= {*keys, *beside}:
        return None
    if ours == "label":  # names of labels come before their numbers
        return (numbered, ranks[0])
    return ranks[0], not (numbered and ours in _ONLY_NUMBERED)


def _split_words(name: str, keys: Iterable[str], beside: Iterable[str]) -> set[str]:
    """The words of a column's name in small letters, `starttime` being two."""
    joined = {
        whole: {key, other}
        for key in keys
        for other in beside
        for whole in (key + other, other + key)
    }
    known = {word: {word} for word in keys}
    return {part for word in words_of(name) for part in (joined | known).get(word, {word})}


def words_of(name: str) -> list[str]:
    """Words of a name in small letters: of ``StartTime (s)`` start, time, s."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+\d*|[A-Z]+\d*(?![a-z])|\d+", name)]


def _refuse_other_unit(path: Path, name: str, absent: Iterable[str], place: str) -> None:
    words = words_of(name)
    units = [_OTHER_UNITS[word] for word in words if word in _OTHER_UNITS]
    rest = " ".join(word for word in words if word not in _OTHER_UNITS)
    for ours in {"start", "end"} & set(absent):
        if units and _rank(ours, rest) is not None:
            raise InputError(
                f"{path}: column {name} is in {units[0]}; expected a column {ours} in seconds, or "
                f"{_written(place, {name: None})} to leave it out"
            )


def _written(place: str, mapping: Mapping[str, str | None]) -> str:
    return written_setting(place, "columns", as_yaml(mapping))


def as_yaml(mapping: Mapping[str, str | None]) -> str:
    """A mapping in one line, to be pasted into a configuration."""
    return f"{{{', '.join(f'{_scalar(key)}: {_scalar(mapping[key])}' for key in mapping)}}}"


def _scalar(value: str | None) -> str:
    if value is not None and not value.isprintable():
        return json.dumps(value)  # with escapes in place of what cannot be seen
    style = {"default_flow_style": True, "allow_unicode": True, "width": float("inf")}
    return yaml.safe_dump([value], **style).strip()[1:-1]
