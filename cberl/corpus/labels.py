"""Labels of utterances as class numbers."""

from pathlib import Path

import numpy as np

from cberl.artifacts import read_header, read_table, row_positions
from cberl.corpus.tables import LABELS

NO_LABEL = -1


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


def class_numbers(labels: object, classes: list[str]) -> np.ndarray:
    """Numbers of labels in ``classes``: int64 [N], `NO_LABEL` where the label is null."""
    import pandas as pd

    return pd.Categorical(labels, categories=classes).codes.astype(np.int64)
