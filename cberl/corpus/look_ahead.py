"""Checks of the corpus before anything is decoded, for what a run would find only later."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

import pandas as pd

from cberl.corpus import reasons
from cberl.corpus.assemble import Corpus
from cberl.corpus.blank_text import is_blank
from cberl.corpus.locate import MEDIA_SUFFIXES, SOUND_ALONE, find_file
from cberl.corpus.quality.media_quality import refuse_too_few
from cberl.corpus.trainable import refuse_one_class
from cberl.errors import InputError

MOST_FILES = 100_000
"""Files and folders that are looked through for one that is missing."""
NEEDS = {
    "text": ("column text", ("text",)),
    "audio": ("column media or audio", ("audio_path", "media_path")),
    "video": ("column media", ("media_path",)),
}
"""Modality -> what a table has it from, in words, and the columns of the table UTTERANCES."""


_WORD = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")
"""A word, or a sign of Chinese; an encoder makes at least a token of each."""


def look_ahead(
    corpus: Corpus, root: Path, modalities: Sequence[str], max_unavailable: float, max_tokens: int
) -> list[str]:
    """Stop a run early that would stop late.

    Files are looked for and not opened.

    Args:
        corpus: as its reader gave it.
        root: folder of the corpus.
        modalities: those that the run reads.
        max_unavailable: largest share per modality that may be unavailable (0 to 1).
        max_tokens: tokens of an utterance that the text encoder reads at most.

    Returns:
        Remarks that do not stop the run, one line each: the reader's, then what was found here.

    Raises:
        InputError: one class alone can be learnt; nothing is there for a modality; too many files
            are missing, outside the root or, for video, of sound alone.
    """
    refuse_one_class(corpus.labels)
    if corpus.published:
        refuse_absent_features(corpus.published, modalities)
        return list(corpus.notices)
    refuse_absent_modalities(corpus.utterances, modalities)
    found = pd.concat([find_sources(corpus.utterances, root, name) for name in modalities])
    try:
        refuse_too_few(found, max_unavailable)
    except InputError as error:
        raise InputError(f"{error}{_remedy(found, root)}") from None
    long = _find_long(corpus.utterances, max_tokens) if "text" in modalities else ()
    return [*corpus.notices, *_describe(found), *long]


def _remedy(found: pd.DataFrame, root: Path) -> str:
    """Words on where the first missing file lies instead, or on doing without the files."""
    elsewhere = found["reason"].isin((reasons.MISSING, reasons.OUTSIDE_ROOT))
    missing = found.loc[elsewhere, "media_path"].dropna()
    there = _where_else(missing.iloc[0], root) if len(missing) else None
    if there:
        return f"; {there} is there: paths in the table start at corpus.root, suffix included"
    absent = found["reason"].isin((reasons.MISSING, reasons.NO_VIDEO_STREAM))
    some = found.groupby("modality", sort=False)["available"].any()
    if absent.any() and some.any() and not some.all():
        return f"; without these files write modalities: [{', '.join(some.index[some])}]"
    return ""


def _where_else(path: str, root: Path) -> str | None:
    """A media file of the same name elsewhere under the root."""
    wanted = PurePosixPath(path.replace("\\", "/"))
    for file in islice(root.rglob("*"), MOST_FILES):
        if file.stem == wanted.stem and file.suffix.lower() in MEDIA_SUFFIXES:
            return file.relative_to(root).as_posix()
    return None


def refuse_absent_features(published: Iterable[str], modalities: Sequence[str]) -> None:
    """Refuse to run with a modality that a file of features lacks.

    Raises:
        InputError: with the modalities to write instead.
    """
    there = [*published]
    for name in modalities:
        if name not in there:
            raise InputError(
                f"modalities: the file has no {name} features; expected some of "
                f"{', '.join(there)}{_what_to_write(modalities, there)}"
            )


def refuse_absent_modalities(utterances: pd.DataFrame, modalities: Sequence[str]) -> None:
    """Refuse to run with a modality that no utterance has anything for.

    Raises:
        InputError: with the modalities to write instead.
    """
    there = [name for name in NEEDS if _source(utterances, name).notna().any()]
    for name in modalities:
        if name not in there:
            raise InputError(
                f"modalities: {name} is asked for, but no utterance has any "
                f"({NEEDS[name][0]} of the table){_what_to_write(modalities, there)}"
            )


def _what_to_write(modalities: Sequence[str], there: Sequence[str]) -> str:
    """The end of a message: the modalities that are left, if there are any."""
    kept = [name for name in modalities if name in there]
    return f"; write modalities: [{', '.join(kept)}]" if kept else ""


def find_sources(utterances: pd.DataFrame, root: Path, modality: str) -> pd.DataFrame:
    """Find each utterance's text or file of a modality.

    Returns:
        Columns of the table QUALITY as far as they are known so early: ``utterance_id``,
        ``modality``, ``available``, ``reason``, ``detail``, ``media_path``.
    """
    source = _source(utterances, modality)
    rows = pd.DataFrame({"utterance_id": utterances["utterance_id"], "modality": modality})
    if modality == "text":
        rows["reason"] = source.isna().map({True: reasons.EMPTY_TEXT, False: None})
        rows["detail"], rows["media_path"] = None, None
    else:
        paths = source.astype(object).where(source.notna(), None)
        found = {path: find_file(root, path) for path in paths.unique()}
        rows["reason"] = [found[path][1] for path in paths]
        rows["detail"] = [found[path][2] for path in paths]
        rows["media_path"] = paths
        if modality == "video":
            sound = paths.map(lambda path: PurePosixPath(path or "").suffix.lower() in SOUND_ALONE)
            rows.loc[sound & rows["reason"].isna(), "reason"] = reasons.NO_VIDEO_STREAM
    return rows.assign(available=rows["reason"].isna())


def _source(utterances: pd.DataFrame, modality: str) -> pd.Series:
    """What each utterance's modality is taken from, null where there is nothing."""
    if modality == "text":
        return utterances["text"].mask(utterances["text"].map(is_blank).astype(bool))
    first, *others = NEEDS[modality][1]
    source = utterances[first]
    for other in others:
        source = source.where(source.notna(), utterances[other])
    return source


def _describe(found: pd.DataFrame) -> Iterator[str]:
    for modality, rows in found.groupby("modality", sort=False):
        pictureless = rows["reason"] == reasons.NO_VIDEO_STREAM
        missing = ~rows["available"] & (rows["reason"] != reasons.EMPTY_TEXT) & ~pictureless
        for absent, what in ((missing, "no file"), (pictureless, "a file of sound alone")):
            if absent.any():
                first = rows.loc[absent, "media_path"].dropna()
                named = f", first {first.iloc[0]}" if len(first) else ""
                yield f"{modality}: {absent.sum()} of {len(rows)} utterances have {what}{named}"
    respelt = found[found["available"] & found["detail"].notna()].drop_duplicates("media_path")
    if len(respelt):
        first = respelt["detail"].iloc[0]
        yield f"files with slightly different names: {len(respelt)}, first {first}"


def _find_long(utterances: pd.DataFrame, max_tokens: int) -> Iterator[str]:
    long = utterances["text"].map(lambda text: len(_WORD.findall(text)) > max_tokens)
    if long.any():
        first = utterances.loc[long, "utterance_id"].iloc[0]
        yield (
            f"text: {long.sum()} of {len(long)} utterances have more than {max_tokens} words, "
            f"first {first}: the encoder reads the first {max_tokens} tokens of each "
            "(features.text.max_tokens)"
        )
