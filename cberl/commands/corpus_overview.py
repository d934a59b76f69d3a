"""A corpus in a few lines: how much of what there is, and how its rows are understood."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cberl.corpus import reasons
from cberl.corpus.annotations import PICKLE_SUFFIXES, annotation_files
from cberl.corpus.assemble import Corpus
from cberl.corpus.look_ahead import find_sources
from cberl.corpus.readers.column_files import read_raw_columns
from cberl.corpus.readers.table import OPTIONAL, REQUIRED
from cberl.corpus.settings import CorpusSettings
from cberl.modalities import SPLITS

FIRST_ROWS = 3
FIRST_FILES = 5
LONGEST_CELL = 60


def describe_corpus_file(settings: CorpusSettings, root: Path) -> Iterator[str]:
    """Name the files that are read and, for a table, the columns that are.

    Args:
        settings: the section ``corpus`` of the configuration.

    Raises:
        InputError: a file is absent, or cannot be read at all.
    """
    files = annotation_files(settings, root)
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    yield f"corpus {settings.name}: kind {settings.kind}, {files[0]}{more}"
    if settings.kind != "table" or files[0].suffix.lower() in PICKLE_SUFFIXES:
        return
    places, values = read_raw_columns(files[0], settings.encoding)
    mapping = settings.columns
    read = [name for name in values if mapping.get(name, name) in (*REQUIRED, *OPTIONAL)]
    called = [f"{name} (as {mapping[name]})" if name in mapping else name for name in read]
    yield f"columns read: {', '.join(called) or 'none'}"
    yield f"columns not read: {', '.join(name for name in values if name not in read) or 'none'}"
    yield f"{len(places)} rows, the first as in the file:"
    for at, place in enumerate(places[:FIRST_ROWS]):
        yield f"  {place}: {' | '.join(_shortened(str(values[name][at])) for name in values)}"


def describe_corpus(corpus: Corpus, root: Path, modalities: Sequence[str]) -> Iterator[str]:
    """Count a corpus, look for its files, and show its first rows.

    Args:
        modalities: those whose files or texts are looked for.
    """
    utterances = corpus.utterances
    turns = utterances.groupby("dialogue_id").size()
    least, most = turns.min(), turns.max()
    length = least if least == most else f"{least} to {most}"
    yield (
        f"{len(utterances)} utterances in {len(turns)} dialogues of {length} turns; "
        f"{utterances['speaker'].nunique()} speakers"
    )
    yield ""
    yield from _table(_by_split(corpus))
    yield ""
    yield from _table(_by_class(corpus))
    for modality in modalities:
        yield from _describe_modality(find_sources(utterances, root, modality), modality)
    yield ""
    yield "first rows as they are read:"
    labels = corpus.labels.set_index("utterance_id")["label"]
    for row in utterances.head(FIRST_ROWS).itertuples():
        label = labels[row.utterance_id]
        yield f"  {row.utterance_id}: {row.speaker}, {'context' if pd.isna(label) else label}"
        yield f"    text: {_shortened(row.text) or 'none'}"
        yield f"    media: {_media(row)}"


def _by_split(corpus: Corpus) -> list[list[object]]:
    rows: list[list[object]] = [["split", "utterances", "dialogues", "speakers", "with a label"]]
    for split in SPLITS:
        own = corpus.utterances[corpus.utterances["split"] == split]
        labelled = int(corpus.labels.loc[corpus.labels["split"] == split, "label"].notna().sum())
        counts = [own[name].nunique() for name in ("dialogue_id", "speaker")]
        rows.append([split, len(own), *counts, labelled])
    return rows


def _by_class(corpus: Corpus) -> list[list[object]]:
    counts = corpus.labels.groupby(["label", "split"]).size()
    rows: list[list[object]] = [["class", *SPLITS]]
    rows += [
        [name, *(int(counts.get((name, split), 0)) for split in SPLITS)] for name in corpus.classes
    ]
    context = corpus.labels[corpus.labels["label"].isna()]["split"].value_counts()
    if len(context):
        rows.append(["(context)", *(int(context.get(split, 0)) for split in SPLITS)])
    return rows


def _table(rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Rows as text: the first column to the left, numbers to the right."""
    widths = [max(len(str(row[at])) for row in rows) for at in range(len(rows[0]))]
    for first, *others in rows:
        cells = [f"{cell!s:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([f"{first!s:<{widths[0]}}", *cells])


def _describe_modality(rows: pd.DataFrame, modality: str) -> Iterator[str]:
    there = int(rows["available"].sum())
    what = "text" if modality == "text" else "file"
    line = f"{modality}: {there} of {len(rows)} utterances have a {what}"
    pictureless = rows["reason"] == reasons.NO_VIDEO_STREAM
    missing = ~rows["available"] & ~pictureless
    for absent, words in ((missing, "missing"), (pictureless, "of sound alone")):
        files = rows.loc[absent, "media_path"].dropna().unique()
        if len(files):
            more = ", ..." if len(files) > FIRST_FILES else ""
            line += f"; {words}: {', '.join(files[:FIRST_FILES])}{more}"
    yield ("\n" if modality == "text" else "") + line


def _media(row: Any) -> str:
    parts = []
    if not pd.isna(row.media_path):
        parts.append(str(row.media_path))
        if not (pd.isna(row.media_start_s) and pd.isna(row.media_end_s)):
            start = 0 if pd.isna(row.media_start_s) else row.media_start_s
            end = "its end" if pd.isna(row.media_end_s) else f"{row.media_end_s:g} s"
            parts.append(f"from {start:g} s to {end}")
        else:
            parts.append("all of it")
    if not pd.isna(row.audio_path):
        parts.append(f"sound {row.audio_path}")
    return ", ".join(parts) or "none"


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}..."
