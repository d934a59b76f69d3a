"""Utterances, and vectors if there are any, from the pickles in common use."""

import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.corpus.readers.data_pickle import load_data_pickle
from cberl.corpus.readers.iemocap import FOUR_CLASSES, SIX_CLASSES, speaker_of
from cberl.corpus.readers.meld import MELD_CLASSES
from cberl.corpus.readers.pickle_layouts import ROBERTA_LAYERS, recognise_layout
from cberl.corpus.readers.pickle_partitions import is_partitioned, read_partitions
from cberl.corpus.readers.pickled_names import as_text
from cberl.corpus.readers.text_files import map_control_codes
from cberl.errors import InputError

MOST_UTTERANCES = 10_000_000
Vectors = Callable[[], Iterator[Any]]

_IEMOCAP_DIALOGUE = re.compile(r"Ses\d\d[FM]_\w+")


def read_pickle_rows(
    path: Path, source: Path
) -> tuple[pd.DataFrame, dict[str, Vectors], list[str], list[str]]:
    """Read a pickle: a tuple of `cberl.corpus.readers.pickle_layouts`, or a dict of splits.

    Args:
        path: the file.
        source: its name, for messages.

    Returns:
        rows as `cberl.corpus.readers.table.conversation_rows` gives them; modality -> a function
        that goes through its vectors, one or None per row; the classes in the order of the label
        numbers, if they are known; notices.

    Raises:
        InputError: the file does not hold what it should; also while the vectors of a dict of
            splits are gone through.
    """
    content = load_data_pickle(path.read_bytes(), str(source))
    if is_partitioned(content):
        return read_partitions(content, source)
    fields = recognise_layout(content, str(source))
    split_of = _splits(fields, source)
    dialogues = [name for name in fields["speakers"] if name in split_of]
    if not any(len(fields["speakers"][name]) for name in dialogues):
        raise InputError(f"{source}: no utterance is in a split; expected dialogues in train")
    left_out = len(fields["speakers"]) - len(dialogues)
    notices = []
    if left_out:
        notices.append(f"{source.name}: {left_out} dialogues are in no split and are left out")
    if sum(len(fields["speakers"][name]) for name in dialogues) > MOST_UTTERANCES:
        raise InputError(f"{source}: more than {MOST_UTTERANCES} utterances; expected fewer")
    rows = pd.DataFrame(
        [row for name in dialogues for row in _dialogue_rows(fields, name, split_of[name], source)]
    )
    vectors: dict[str, Vectors] = {}
    for modality in ("text", "audio", "video"):
        if modality in fields:
            vectors[modality] = partial(_rows_of, fields[modality], dialogues)
    if ROBERTA_LAYERS[0] in fields:
        vectors["text"] = partial(_mean_of_layers, fields, dialogues)
    classes = _known_classes(fields, rows["label"])
    if classes == list(dict.fromkeys(FOUR_CLASSES.values())):
        notices.append(
            f"{source.name}: IEMOCAP's labels 0 to 3 are taken for {', '.join(classes)}; write "
            "corpus.classes if they are others"
        )
    return rows, vectors, classes, notices


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
                "text": map_control_codes(as_text(sentence)).strip(),
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


def _known_classes(fields: Mapping[str, Any], labels: pd.Series) -> list[str]:
    """Classes in the order that the field's files number them, if it is certain whose they are."""
    if all(map(_IEMOCAP_DIALOGUE.fullmatch, fields["speakers"])):
        # Files of four classes number them as those of six do, up to anger.
        return list(dict.fromkeys((SIX_CLASSES if _beyond(labels, 3) else FOUR_CLASSES).values()))
    return list(MELD_CLASSES) if "sentiment" in fields else []


def _beyond(labels: pd.Series, number: int) -> bool:
    return not labels.isin([str(value) for value in range(-1, number + 1)]).all()


def _rows_of(field: Mapping[str, Sequence[Any]], dialogues: Sequence[str]) -> Iterator[Any]:
    return (row for name in dialogues for row in field[name])


def _mean_of_layers(fields: Mapping[str, Any], dialogues: Sequence[str]) -> Iterator[Any]:
    """The mean of RoBERTa's last four layers, as COSMIC takes them, which made these files
    (Ghosal et al., "COSMIC: COmmonSense knowledge for eMotion Identification in Conversations",
    Findings of EMNLP 2020)."""
    layers = [_rows_of(fields[layer], dialogues) for layer in ROBERTA_LAYERS]
    return map(_mean, zip(*layers, strict=True))


def _mean(layers: Sequence[Any]) -> Any:
    """The mean of an utterance's layers; none if one is absent.

    A layer that is no vector is given back as it is, for others to refuse.
    """
    vectors = []
    for layer in layers:
        try:
            vectors.append(as_vector(layer))
        except (TypeError, ValueError, OverflowError):
            return layer
    shortest = min(vectors, key=len)
    return sum(vectors) / len(vectors) if len(shortest) == max(map(len, vectors)) else shortest


def as_vector(value: Any) -> np.ndarray:
    """One dimension of numbers, without following nested lists, which could be endless."""
    if isinstance(value, np.ndarray):
        if value.ndim != 1 or value.dtype.kind not in "biuf":
            raise ValueError
        return value
    return np.frombuffer(array("d", value), dtype=np.float64)
