"""Predictions beside the truth: what every score is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.artifacts import read_header, read_matrix, read_table, row_positions
from cberl.corpus.labels import class_numbers, read_classes, read_labels
from cberl.errors import InputError
from cberl.rows import NO_LABEL
from cberl.train.tables import PREDICTIONS


@dataclass(frozen=True)
class ModelPredictions:
    """One model on one split, with one modality removed or none; N utterances, K classes.

    Attributes:
        utterances: their rows of the utterances table, in order of dialogue and turn [N].
        truth: class numbers int64 [N], `NO_LABEL` where the utterance is only context.
        predicted: class numbers int64 [N].
        probabilities: float32 [N, K].
        temperature: that the logits were divided by.
    """

    variant: str
    seed: int
    split: str
    removed: str
    utterances: pd.DataFrame
    truth: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    temperature: float = 1.0

    @property
    def uncalibrated(self) -> np.ndarray:
        """Probabilities as they were before the temperature: float32 [N, K]."""
        powered = self.probabilities.astype(np.float64) ** self.temperature
        return (powered / powered.sum(axis=1, keepdims=True)).astype(np.float32)

    @property
    def labelled(self) -> np.ndarray:
        """Utterances that count in a score: bool [N]."""
        return self.truth != NO_LABEL

    @property
    def names(self) -> dict[str, object]:
        """The columns that name this model and split."""
        return {"variant": self.variant, "seed": self.seed, "split": self.split}


def read_model_predictions(
    runs: Mapping[tuple[str, int], str | Path],
    utterances: pd.DataFrame,
    labels: Mapping[str, str | Path],
) -> list[ModelPredictions]:
    """Join every model's predictions with the truth by utterance.

    Args:
        runs: (variant, seed) -> its table of predictions.
        utterances: the corpus's utterances, in order of split, dialogue and turn.
        labels: split -> its table of labels.

    Raises:
        InputError: predictions name other classes than the labels, name an utterance that the
            corpus does not have, or leave one of a split out.
    """
    utterances = utterances.reset_index(drop=True)
    classes = read_classes(next(iter(labels.values())))
    truths: dict[str, tuple[pd.DataFrame, np.ndarray]] = {}
    models = []
    for (variant, seed), path in runs.items():
        facts = read_header(path)["metadata"]
        if list(facts["classes"]) != classes:
            raise InputError(f"{path}: its classes are not those of the labels, {classes}")
        frame = read_table(path, PREDICTIONS)
        numbers = class_numbers(frame["predicted"], classes)
        probabilities = read_matrix(path, "probabilities")
        for (split, removed), group in frame.groupby(["split", "removed"], sort=False):
            if split not in truths:
                rows = utterances[utterances["split"] == split].reset_index(drop=True)
                truths[split] = rows, read_labels(labels[split], rows["utterance_id"].to_numpy())
            rows, truth = truths[split]
            order = _order_like(rows, group["utterance_id"], path)
            positions = group.index.to_numpy()[order]
            models.append(
                ModelPredictions(
                    variant,
                    seed,
                    split,
                    removed,
                    rows,
                    truth,
                    numbers[positions],
                    probabilities[positions],
                    facts["temperature"],
                )
            )
    return models


def prediction_rows(model: ModelPredictions, classes: Sequence[str], corpus: str) -> pd.DataFrame:
    """The rows of one model in the table of scored utterances, without probabilities."""
    names = np.array([*classes, None], dtype=object)
    truth, labelled = model.truth, model.labelled
    correct = pd.array(truth == model.predicted, dtype="boolean")
    correct[~labelled] = pd.NA
    columns = ["utterance_id", "dialogue_id", "turn", "speaker"]
    return model.utterances[columns].assign(
        corpus=corpus,
        **model.names,
        label=names[truth],  # NO_LABEL is -1: the None at the end
        predicted=names[model.predicted],
        correct=correct,
        emotion_shift=emotion_shifts(model.utterances, truth),
    )


def emotion_shifts(utterances: pd.DataFrame, truth: np.ndarray) -> pd.arrays.BooleanArray:
    """Whether each utterance's speaker has changed emotion.

    It is compared with the same speaker's last labelled utterance in the dialogue: the emotion
    shift of Poria et al., "Emotion Recognition in Conversation: Research Challenges, Datasets, and
    Recent Advances", IEEE Access 2019.

    Args:
        utterances: in order of dialogue and turn [N].
        truth: class numbers int64 [N].

    Returns:
        [N], missing where the utterance has no label or its speaker none before it.
    """
    labels = pd.Series(truth).where(truth != NO_LABEL)
    speakers = [utterances["dialogue_id"].to_numpy(), utterances["speaker"].to_numpy()]
    previous = labels.groupby(speakers).transform(lambda own: own.ffill().shift())
    shifts = pd.array(labels.to_numpy() != previous.to_numpy(), dtype="boolean")
    shifts[labels.isna().to_numpy() | previous.isna().to_numpy()] = pd.NA
    return shifts


def _order_like(rows: pd.DataFrame, ids: pd.Series, path: str | Path) -> np.ndarray:
    """Positions in ``ids`` of the split's utterances; both must name the same ones."""
    row_positions(rows["utterance_id"], ids, "the table of utterances")
    return row_positions(ids, rows["utterance_id"], path)
