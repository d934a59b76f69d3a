"""Labels of utterances as class numbers."""

from pathlib import Path

import numpy as np
import pandas as pd

from cberl.artifacts import read_header, read_table, row_positions
from cberl.corpus.tables import LABELS


def read_classes(path: str | Path) -> list[str]:
    """The corpus's classes, in the order of their numbers, from any labels file."""
    return list(read_header(path)["metadata"]["classes"])


def read_labels(path: str | Path, ids: np.ndarray) -> np.ndarray:
    """Class numbers of the utterances ``ids``: int64 [N], `NO_LABEL` where only context.

    Raises:
        InputError: the file lacks one of the utterances.
    """
    frame = read_table(path, LABELS)
    numbers = class_numbers(frame["label"], read_classes(path))
    return numbers[row_positions(frame["utterance_id"], ids, path)]


def join_labels(utterances: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """The utterances of a labels file's split, with their class numbers in the column ``label``.

    Args:
        utterances: table UTTERANCES, of all splits.
        path: table LABELS of one split.

    Raises:
        InputError: the file lacks one of the split's utterances.
    """
    split = read_header(path)["metadata"]["split"]
    own = utterances[utterances["split"] == split].reset_index(drop=True)
    return own.assign(label=read_labels(path, own["utterance_id"].to_numpy()))


def class_numbers(labels: object, classes: list[str]) -> np.ndarray:
    """Numbers of labels in ``classes``: int64 [N], `NO_LABEL` where the label is null."""
    return pd.Categorical(labels, categories=classes).codes.astype(np.int64)
