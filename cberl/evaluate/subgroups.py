"""Where the errors are: parts of a split that may be harder than others."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cberl.evaluate.bootstrap import list_scores, score_confusions
from cberl.evaluate.predictions import ModelPredictions, emotion_shifts
from cberl.evaluate.score import count_confusions
from cberl.modalities import MODALITIES

LENGTHS = {"1 turn": 1, "2 to 4 turns": 2, "5 to 9 turns": 5, "10 to 14 turns": 10}
LONGEST = "15 turns or more"


def group_utterances(
    utterances: pd.DataFrame,
    truth: np.ndarray,
    training_speakers: Sequence[str],
    quality: pd.DataFrame,
) -> dict[str, np.ndarray]:
    """Name each utterance's part of its split, under several groupings.

    Args:
        utterances: one split, in order of dialogue and turn [N].
        truth: class numbers int64 [N].
        training_speakers: speakers of the training split.
        quality: the table of quality, one row per utterance and modality.

    Returns:
        grouping -> object array [N].
    """
    shifts = emotion_shifts(utterances, truth)
    seen = utterances["speaker"].isin(training_speakers).to_numpy()
    return {
        "emotion_shift": np.select(
            [shifts.isna(), shifts.fillna(False)],
            ["speaker's first", "emotion changed"],
            "emotion kept",
        ).astype(object),
        "dialogue_length": _length_names(utterances),
        "speaker": np.where(seen, "seen in training", "not seen in training").astype(object),
        "modalities": _availability_names(utterances["utterance_id"], quality),
    }


def score_subgroups(
    model: ModelPredictions, groupings: Mapping[str, np.ndarray], classes: int
) -> pd.DataFrame:
    """Score one model on each part of its split that has a label in it.

    Returns:
        The rows of the table subgroups but ``corpus``.
    """
    columns = [metric for _, metric in list_scores([""] * classes)][-4:]
    rows = []
    for grouping, names in groupings.items():
        for name in sorted(set(names[model.labelled])):
            members = model.labelled & (names == name)
            confusion = count_confusions(model.truth[members], model.predicted[members], classes)
            means = dict(zip(columns, score_confusions(confusion)[-4:], strict=True))
            rows.append(
                {
                    **model.names,
                    "grouping": grouping,
                    "group": name,
                    "utterances": int(members.sum()),
                    **{key: means[key] for key in ("accuracy", "weighted_f1", "macro_f1")},
                }
            )
    columns = ["variant", "seed", "split", "grouping", "group", "utterances"]
    return pd.DataFrame(rows, columns=[*columns, "accuracy", "weighted_f1", "macro_f1"])


def _length_names(utterances: pd.DataFrame) -> np.ndarray:
    turns = utterances.groupby("dialogue_id")["utterance_id"].transform("size")
    edges = [*LENGTHS.values(), 15, np.inf]
    return pd.cut(turns, edges, right=False, labels=[*LENGTHS, LONGEST]).to_numpy(dtype=object)


def _availability_names(ids: pd.Series, quality: pd.DataFrame) -> np.ndarray:
    available = quality.pivot(index="utterance_id", columns="modality", values="available")
    available = available.reindex(ids, fill_value=False).fillna(False).astype(bool)
    present = [name for name in MODALITIES if name in available.columns]
    flags = available[present].to_numpy()
    return np.array(
        [
            " + ".join(name for name, flag in zip(present, row, strict=True) if flag) or "nothing"
            for row in flags
        ],
        dtype=object,
    )
