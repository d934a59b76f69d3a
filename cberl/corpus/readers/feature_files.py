"""Corpora of published features."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.corpus.annotations import PICKLE_SUFFIXES, find_corpus_file
from cberl.corpus.assemble import Corpus, assemble_corpus, name_utterances
from cberl.corpus.label_names import cut_scores, name_numbered_labels
from cberl.corpus.readers.column_files import read_column_file
from cberl.corpus.readers.odd_cells import find_disorder
from cberl.corpus.readers.packed_columns import PackedVectors, kind_of
from cberl.corpus.readers.packed_pickles import read_packed_pickle
from cberl.corpus.readers.pickle_rows import as_vector
from cberl.corpus.readers.table import (
    OPTIONAL,
    REQUIRED,
    conversation_rows,
    name_classes,
)
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.split import draw_missing_splits
from cberl.errors import InputError
from cberl.modalities import MODALITIES

MOST_NUMBERS = 1 << 30
"""Numbers of one modality; more do not fit into a common memory."""

ROWS_AT_ONCE = 4096
NO_FEATURES = "no features"
ALL_ZERO = "features are all zero"


@dataclass(frozen=True)
class FeatureFile:
    """Utterances, and features that may still be in their file.

    Attributes:
        rows: as `cberl.corpus.assemble.assemble_corpus` takes them, splits filled in.
        classes: names of the classes in the order of their numbers.
        vectors: modality -> a vector per row, or None; `pieces` reads and checks them.
        notices: what the owner of the file should know of how it was read, a line each.
        split_by: what ``split_group`` in the rows is; see `cberl.corpus.assemble.Corpus`.
    """

    rows: pd.DataFrame
    classes: list[str]
    vectors: dict[str, Sequence[Any]]
    notices: tuple[str, ...] = ()
    split_by: str = "dialogue"

    @property
    def ids(self) -> np.ndarray:
        """Utterance ids, object array [N]."""
        return name_utterances(self.rows)["utterance_id"].to_numpy(dtype=object)

    def pieces(self, modality: str) -> Iterator[tuple[np.ndarray, list[str | None]]]:
        """Read a modality's features some thousand rows at a time, in the order of ``rows``.

        Yields:
            float32 [n, width], NaN where absent; per row why it is absent, None where it is there.

        Raises:
            InputError: the file cannot be read or holds no vectors there; vectors of different
                widths, NaN or infinite values.
        """
        where, done, width = self.rows["where"], 0, 0
        unknown: list[Any] = []
        for values in _pieces_of(self.vectors[modality]):
            unknown += values
            place = where.iloc[done : done + len(unknown)]
            width = width or _first_width(unknown, place, modality)
            if width:
                _refuse_too_many(len(self.rows), width, where, modality)
                matrix = _stack(unknown, place, modality, width)
                yield matrix, _absent(matrix)
                done, unknown = done + len(unknown), []
        if unknown:
            raise InputError(f"{where.iloc[0]}: {modality}: no vector has a number in it")


def read_features_corpus(settings: CorpusSettings, root: Path) -> Corpus:
    """Read the conversations and labels of a file of features, and check its vectors.

    Raises:
        InputError: see `read_feature_file` and `FeatureFile.pieces`.
    """
    published = read_feature_file(settings, root)
    for modality in published.vectors:
        for _ in published.pieces(modality):
            pass
    corpus = assemble_corpus(
        published.rows, published.classes, published.notices, published.split_by
    )
    return replace(corpus, published=tuple(published.vectors))


def read_feature_file(settings: CorpusSettings, root: str | Path) -> FeatureFile:
    """Read a file of features: Parquet or NPZ with named columns, or one of the field's pickles.

    Args:
        settings: ``file`` inside ``root``, its ``columns`` (theirs -> ours), ``classes`` (names in
            the order of the label numbers; empty: those of IEMOCAP or MELD if the file is known
            to be theirs, or all names that occur), ``score_edges``, ``labels`` (theirs -> class),
            ``dev_share``,
            ``test_share`` (0 to 1) and ``split_seed``.

    Raises:
        InputError: the file cannot be read or does not hold what it should.
    """
    path = find_corpus_file(settings, Path(root))
    suffix = path.suffix.lower()
    if suffix in PICKLE_SUFFIXES:
        rows, vectors, known_classes, notices = read_packed_pickle(path)
        if not vectors:
            raise InputError(
                f"{path}: holds text and labels, no features; write corpus.kind: table, and an "
                "encoder makes features of the text"
            )
    elif suffix in (".parquet", ".npz"):
        rows, vectors, known_classes, notices = _read_columns(path, settings.columns)
    else:
        raise InputError(
            f"{path}: ends in {path.suffix!r}; expected .parquet, .npz, "
            f"{', '.join(PICKLE_SUFFIXES)}"
        )
    if not vectors:
        raise InputError(
            f"{path}: has no features; expected one of "
            f"{', '.join(f'{name}_features' for name in MODALITIES)}"
        )
    classes = list(settings.classes) or known_classes
    rows["label"] = cut_scores(rows["label"], settings.score_edges, classes, str(path))
    rows["label"] = name_numbered_labels(rows, classes)
    rows, classes = name_classes(rows, classes, settings.labels, path)
    rows, split_by, drawn = draw_missing_splits(rows, settings)
    return FeatureFile(rows, classes, dict(sorted(vectors.items())), (*notices, *drawn), split_by)


def _read_columns(
    path: Path, mapping: Mapping[str, str | None]
) -> tuple[pd.DataFrame, dict[str, Sequence[Any]], list[str], list[str]]:
    names = {name: f"{name}_features" for name in MODALITIES}
    # Media are not opened here: files and times by other names are none of this reader's business.
    missed = (*REQUIRED, "label", "split")
    file = read_column_file(
        path, REQUIRED, OPTIONAL, list(names.values()), mapping=mapping, missed=missed
    )
    vectors = {
        name: file.vectors[column] for name, column in names.items() if column in file.vectors
    }
    rows = conversation_rows(file)
    return rows, vectors, [], [*file.notices, *find_disorder(rows)]


def _pieces_of(values: Sequence[Any]) -> Iterator[list[Any]]:
    if isinstance(values, PackedVectors):
        yield from values.pieces()
        return
    for start in range(0, len(values), ROWS_AT_ONCE):
        yield list(values[start : start + ROWS_AT_ONCE])


def _first_width(values: Sequence[Any], where: pd.Series, modality: str) -> int:
    """Numbers in the first vector that has any; 0 if there is none."""
    lengths = (
        _length(value, place, modality)
        for value, place in zip(values, where, strict=True)
        if value is not None
    )
    return next((length for length in lengths if length), 0)


def _refuse_too_many(rows: int, width: int, where: pd.Series, modality: str) -> None:
    if rows * width > MOST_NUMBERS:
        raise InputError(f"{where.iloc[0]}: {modality}: {rows} x {width} numbers; too many")


def _stack(values: Sequence[Any], where: pd.Series, modality: str, width: int) -> np.ndarray:
    """Stack vectors: float32 [n, width], NaN where there is none."""
    matrix = np.full((len(values), width), np.nan, dtype=np.float32)  # [n, width]
    for position, value in enumerate(values):
        if value is None:
            continue
        length = _length(value, where.iloc[position], modality)
        if length != width:
            raise InputError(
                f"{where.iloc[position]}: {modality}: {length} numbers; expected {width}"
            )
        try:
            with np.errstate(over="ignore"):  # what overflows is refused below
                matrix[position] = as_vector(value)
        except (TypeError, ValueError, OverflowError):
            raise InputError(
                f"{where.iloc[position]}: {modality}: holds what is no number"
            ) from None
    broken = ~np.isfinite(matrix).all(axis=1) & ~np.isnan(matrix).all(axis=1)
    if broken.any():
        raise InputError(
            f"{where.iloc[int(np.argmax(broken))]}: {modality}: NaN or infinite values; expected "
            "finite ones, or NaN throughout where there are no features"
        )
    return matrix


def _length(value: Any, place: str, modality: str) -> int:
    try:
        return len(value)
    except TypeError:
        raise InputError(
            f"{place}: {modality}: is a {kind_of(value)}; expected a list of numbers"
        ) from None


def _absent(matrix: np.ndarray) -> list[str | None]:
    """Why each row has no features. Rows of zeros stand for failed extraction in these files;
    they become NaN here."""
    zero = (matrix == 0).all(axis=1)
    matrix[zero] = np.nan
    missing = np.isnan(matrix).all(axis=1)
    return [
        ALL_ZERO if zeros else NO_FEATURES if nothing else None
        for zeros, nothing in zip(zero, missing, strict=True)
    ]
