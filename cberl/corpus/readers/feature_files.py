"""Corpora that come as features which somebody already extracted."""

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.corpus.annotations import find_corpus_file
from cberl.corpus.assemble import Corpus, assemble_corpus, name_utterances
from cberl.corpus.readers.column_files import read_column_file
from cberl.corpus.readers.data_pickle import load_data_pickle
from cberl.corpus.readers.iemocap import SIX_CLASSES, speaker_of
from cberl.corpus.readers.meld import MELD_CLASSES
from cberl.corpus.readers.packed_columns import kind_of
from cberl.corpus.readers.pickle_layouts import ROBERTA_LAYERS, recognise_layout
from cberl.corpus.readers.pickled_names import as_text
from cberl.corpus.readers.table import OPTIONAL, REQUIRED, conversation_rows, name_classes
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.split import deal_missing_splits
from cberl.errors import InputError
from cberl.modalities import MODALITIES

PICKLE_SUFFIXES = (".pkl", ".pickle", ".p")
MOST_NUMBERS = 1 << 30
"""Of one modality; more do not fit into a common memory."""
MOST_UTTERANCES = 10_000_000

NO_FEATURES = "no features"
ALL_ZERO = "features are all zero"

_IEMOCAP_DIALOGUE = re.compile(r"Ses\d\d[FM]_\w+")


@dataclass(frozen=True)
class Published:
    """Utterances with features.

    Attributes:
        rows: as `cberl.corpus.assemble.assemble_corpus` takes them, splits filled in.
        classes: names of the classes in the order of their numbers.
        matrices: modality -> float32 [N, width], N rows as in ``rows``; NaN where absent.
        reasons: modality -> per row, why the features are absent; None where they are there.
        notices: what the owner of the file should know of how it was read, a line each.
        split_by: what ``split_group`` in the rows is; see `cberl.corpus.assemble.Corpus`.
    """

    rows: pd.DataFrame
    classes: list[str]
    matrices: dict[str, np.ndarray]
    reasons: dict[str, list[str | None]]
    notices: tuple[str, ...] = ()
    split_by: str = "dialogue"

    @property
    def ids(self) -> np.ndarray:
        """Utterance ids, object array [N]."""
        return name_utterances(self.rows)["utterance_id"].to_numpy(dtype=object)


def read_features_corpus(settings: CorpusSettings, root: Path) -> Corpus:
    """Read the conversations and labels of a file of features; see `read_published`."""
    published = read_published(settings, root)
    return assemble_corpus(published.rows, published.classes, published.notices, published.split_by)


def read_published(settings: CorpusSettings, root: str | Path) -> Published:
    """Read a file of features: Parquet or NPZ with named columns, or one of the field's pickles.

    Args:
        settings: ``file`` inside ``root``, its ``columns`` (theirs -> ours), ``classes`` (names in
            the order of the label numbers; empty: those of IEMOCAP or MELD if the file is known
            to be theirs, or all names that occur), ``labels`` (theirs -> class), ``dev_share``,
            ``test_share`` (0 to 1) and ``split_seed``.

    Raises:
        InputError: the file cannot be read or does not hold what it should; vectors of different
            widths, NaN or infinite values.
    """
    path = find_corpus_file(settings, Path(root))
    suffix = path.suffix.lower()
    if suffix in PICKLE_SUFFIXES:
        rows, vectors, known_classes, notices = _read_pickle(path)
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
    rows["label"] = _name_labels(rows, classes)
    rows, classes = name_classes(rows, classes, settings.labels, path)
    rows, split_by, dealt = deal_missing_splits(rows, settings)
    matrices = {
        name: _stack(values, rows["where"], name) for name, values in sorted(vectors.items())
    }
    reasons = {name: _absent(matrix) for name, matrix in matrices.items()}
    return Published(rows, classes, matrices, reasons, (*notices, *dealt), split_by)


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
    return conversation_rows(file), vectors, [], file.notices


def _read_pickle(
    path: Path,
) -> tuple[pd.DataFrame, dict[str, Sequence[Any]], list[str], list[str]]:
    fields = recognise_layout(load_data_pickle(path.read_bytes(), str(path)), str(path))
    split_of = _splits(fields, path)
    dialogues = [name for name in fields["speakers"] if name in split_of]
    left_out = len(fields["speakers"]) - len(dialogues)
    notices = []
    if left_out:
        notices.append(f"{path.name}: {left_out} dialogues are in no split and are left out")
    if sum(len(fields["speakers"][name]) for name in dialogues) > MOST_UTTERANCES:
        raise InputError(f"{path}: more than {MOST_UTTERANCES} utterances; expected fewer")
    rows = pd.DataFrame(
        [row for name in dialogues for row in _dialogue_rows(fields, name, split_of[name], path)]
    )
    vectors: dict[str, list[Any]] = {}
    for modality in ("text", "audio", "video"):
        if modality in fields:
            vectors[modality] = [row for name in dialogues for row in fields[modality][name]]
    if ROBERTA_LAYERS[0] in fields:
        vectors["text"] = _mean_of_layers(fields, dialogues)
    return rows, vectors, _known_classes(fields), notices


def _splits(fields: Mapping[str, Any], path: Path) -> dict[str, str]:
    split_of: dict[str, str] = {}
    for split in ("train", "dev", "test"):
        for name in map(str, fields.get(split, ())):
            if split_of.get(name, split) != split:
                raise InputError(
                    f"{path}: dialogue {name} is in {split_of[name]} and in {split}; expected one"
                )
            split_of[name] = split
    return split_of


def _dialogue_rows(
    fields: Mapping[str, Any], dialogue: str, split: str, path: Path
) -> list[dict[str, Any]]:
    names = fields.get("ids", {}).get(dialogue, range(len(fields["speakers"][dialogue])))
    sentences = fields.get("sentences", {}).get(dialogue, [""] * len(names))
    rows = []
    for name, speaker, label, sentence in zip(
        map(str, map(as_text, names)),
        fields["speakers"][dialogue],
        fields["labels"][dialogue],
        sentences,
        strict=True,
    ):
        # As in the raw corpus: the dialogue's name is no part of the utterance's.
        utterance = name.removeprefix(f"{dialogue}_")
        rows.append(
            {
                "split": split,
                "dialogue": dialogue,
                "utterance": utterance,
                "speaker": _speaker(speaker, dialogue, utterance),
                "text": as_text(sentence).strip(),
                "label": str(as_text(label)),
                "where": f"{path}: dialogue {dialogue}, utterance {name}",
            }
        )
    return rows


def _speaker(value: Any, dialogue: str, utterance: str) -> str:
    """A speaker's name; one-hot codes become ``speaker3``, IEMOCAP's letters its actors."""
    if isinstance(value, np.ndarray | list | tuple):
        return f"speaker{int(np.argmax(value))}" if np.any(value) else "unknown"
    name = str(as_text(value))
    if _IEMOCAP_DIALOGUE.fullmatch(dialogue) and name in ("F", "M"):
        return speaker_of(dialogue, name)
    return name


def _known_classes(fields: Mapping[str, Any]) -> list[str]:
    """Classes in the order that the field's files number them, if it is certain whose they are."""
    if all(map(_IEMOCAP_DIALOGUE.fullmatch, fields["speakers"])):
        return list(SIX_CLASSES.values())
    return list(MELD_CLASSES) if "sentiment" in fields else []


def _mean_of_layers(fields: Mapping[str, Any], dialogues: Sequence[str]) -> list[Any]:
    """The mean of RoBERTa's last four layers, as COSMIC takes them, which made these files
    (Ghosal et al., "COSMIC: COmmonSense knowledge for eMotion Identification in Conversations",
    Findings of EMNLP 2020)."""
    layers = [
        [row for name in dialogues for row in fields[layer][name]] for layer in ROBERTA_LAYERS
    ]
    return [_mean(vectors) for vectors in zip(*layers, strict=True)]


def _mean(layers: Sequence[Any]) -> Any:
    """The mean of an utterance's layers; none if one is absent.

    A layer that is no vector is given back as it is, for `_stack` to refuse.
    """
    vectors = []
    for layer in layers:
        try:
            vectors.append(_as_vector(layer))
        except (TypeError, ValueError, OverflowError):
            return layer
    shortest = min(vectors, key=len)
    return sum(vectors) / len(vectors) if len(shortest) == max(map(len, vectors)) else shortest


def _name_labels(rows: pd.DataFrame, classes: Sequence[str]) -> pd.Series:
    """Turn numbers of classes into their names; -1 is none."""
    labels = rows["label"]
    if labels.isna().all():
        return labels
    if not labels.dropna().map(lambda label: re.fullmatch(r"-?\d+", label) is not None).all():
        return labels
    if not classes:
        raise InputError(
            f"{rows['where'].iloc[0]}: labels are numbers; expected their names in corpus.classes"
        )
    names = {str(number): name for number, name in enumerate(classes)} | {"-1": None}
    unknown = labels.notna() & ~labels.isin(list(names))
    if unknown.any():
        row = rows[unknown].iloc[0]
        raise InputError(
            f"{row['where']}: label {row['label']}; expected 0 to {len(classes) - 1}, as there "
            f"are {len(classes)} classes"
        )
    return labels.map(names)


def _stack(values: Sequence[Any], where: pd.Series, modality: str) -> np.ndarray:
    """Stack vectors: float32 [N, width], NaN where there is none."""
    widths = [
        None if value is None else _length(value, place, modality)
        for value, place in zip(values, where, strict=True)
    ]
    width = next((number for number in widths if number), 0)
    if not width:
        raise InputError(f"{where.iloc[0]}: {modality}: no vector has a number in it")
    if len(values) * width > MOST_NUMBERS:
        raise InputError(f"{where.iloc[0]}: {modality}: {len(values)} x {width} numbers; too many")
    matrix = np.full((len(values), width), np.nan, dtype=np.float32)  # [N, width]
    for position, value in enumerate(values):
        if value is None:
            continue
        if widths[position] != width:
            raise InputError(
                f"{where.iloc[position]}: {modality}: {widths[position]} numbers; expected {width}"
            )
        try:
            with np.errstate(over="ignore"):  # what overflows is refused below
                matrix[position] = _as_vector(value)
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


def _as_vector(value: Any) -> np.ndarray:
    """One dimension of numbers, without following nested lists, which could be endless."""
    if isinstance(value, np.ndarray):
        if value.ndim != 1 or value.dtype.kind not in "biuf":
            raise ValueError
        return value
    return np.frombuffer(array("d", value), dtype=np.float64)


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
