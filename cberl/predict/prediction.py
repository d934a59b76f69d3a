"""What a bundle predicts for some conversations: the one thing that every output is made from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cberl.predict.tables import LEAST_CONFIDENCE, TURNS


@dataclass(frozen=True)
class Prediction:
    """N turns of one or more conversations, K classes.

    Attributes:
        turns: the columns of table TURNS but ``probabilities``, conversation after conversation,
            each in the order of speaking.
        probabilities: float32 [N, K], calibrated.
        classes: names by number.
        model: facts about the bundle for a reader: ``corpus``, ``variant``, ``seeds``,
            ``temperatures``, ``digest``.
    """

    turns: pd.DataFrame
    probabilities: np.ndarray
    classes: list[str]
    model: dict[str, object]

    def conversations(self) -> Iterator[tuple[str, "Prediction"]]:
        """Each conversation's name and its part of the prediction."""
        for name, rows in self.turns.groupby("conversation", sort=False):
            part = Prediction(
                rows.reset_index(drop=True),
                self.probabilities[rows.index.to_numpy()],
                self.classes,
                self.model,
            )
            yield str(name), part


def make_prediction(
    turns: pd.DataFrame,
    log_probabilities: np.ndarray,
    classes: Sequence[str],
    model: dict[str, object],
) -> Prediction:
    """Add what follows from the probabilities to rows that lack it.

    Args:
        turns: the columns of table TURNS on speakers, times and available modalities.
        log_probabilities: float [N, K], natural logarithms, calibrated.
    """
    certainty = measure_certainty(log_probabilities)
    completed = turns.assign(
        predicted=np.asarray(classes, dtype=object)[certainty["best"]],
        confidence=certainty["confidence"],
        uncertain=certainty["uncertain"],
        entropy=certainty["entropy"],
        label=pd.Series([None] * len(turns), index=turns.index, dtype=object),
    )
    names = [name for name in TURNS.names if name not in TURNS.vectors]
    probabilities = certainty["probabilities"].astype(np.float32)
    return Prediction(completed[names], probabilities, list(classes), dict(model))


def measure_certainty(log_probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """What follows from log-probabilities float [N, K].

    Returns:
        ``probabilities`` float64 [N, K]; ``best``, numbers of the most probable classes, int64 [N];
        ``confidence``, their probabilities; ``uncertain`` bool [N]; ``entropy`` in nats.
    """
    probabilities = np.exp(log_probabilities.astype(np.float64))
    # An impossible class has probability 0, which adds nothing to the entropy.
    possible = np.where(probabilities > 0, log_probabilities, 0.0)
    confidence = probabilities.max(axis=1)
    return {
        "probabilities": probabilities,
        "best": probabilities.argmax(axis=1),
        "confidence": confidence,
        "uncertain": confidence < LEAST_CONFIDENCE,
        "entropy": np.maximum(-(probabilities * possible).sum(axis=1), 0.0),
    }
