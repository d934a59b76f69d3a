"""What the browser of test conversations needs, as small as it can be."""

from typing import Any

import numpy as np
import pandas as pd

from cberl.modalities import MODALITIES
from cberl.report.figures import colour
from cberl.report.run import Run


def list_conversations(run: Run) -> dict[str, Any]:
    """The test conversations with every variant's mean prediction over seeds, JSON-able.

    Returns:
        ``classes``, ``colours``, ``variants``; ``chosen``: the variant to show first; ``seeds``:
        how many; ``dialogues``: id and number of turns; ``turns``: columns id, speaker, text,
        label (number or -1), missing (modalities that could not be used), shift (1, 0 or -1
        unknown), in order; ``predictions``: variant -> ``percent`` (probabilities, K whole
        numbers a turn, one after the other), ``best`` (number of the most probable class, a
        turn) and ``right`` (how many seeds are right, -1 without a label).
    """
    evaluation = run.evaluation
    scored = evaluation.frames["scored"]
    scored = scored[scored["split"] == "test"]
    turns = _turns(run)
    predictions = {
        variant: _predictions_of(scored[scored["variant"] == variant], turns, run)
        for variant in evaluation.variants
    }
    first = scored[scored["variant"] == evaluation.variants[0]].drop_duplicates("utterance_id")
    shifts = first.set_index("utterance_id")["emotion_shift"].reindex(turns["utterance_id"])
    codes = pd.Categorical(turns["label"], categories=evaluation.classes).codes
    sizes = turns.groupby("dialogue_id", sort=False).size()
    return {
        "classes": evaluation.classes,
        "colours": [colour(position) for position in range(len(evaluation.classes))],
        "variants": evaluation.variants,
        "chosen": evaluation.chosen_variant(),
        "seeds": len(evaluation.seeds),
        "dialogues": [[name, int(size)] for name, size in sizes.items()],
        "turns": {
            "id": turns["utterance_id"].tolist(),
            "speaker": turns["speaker"].tolist(),
            "text": turns["text"].tolist(),
            "label": codes.tolist(),
            "missing": _missing(run, turns["utterance_id"]),
            "shift": shifts.astype("Int8").fillna(-1).astype(int).tolist(),
        },
        "predictions": predictions,
    }


def _turns(run: Run) -> pd.DataFrame:
    return run.utterances[run.utterances["split"] == "test"].reset_index(drop=True)


def _predictions_of(rows: pd.DataFrame, turns: pd.DataFrame, run: Run) -> dict[str, list[int]]:
    count, classes = len(turns), len(run.evaluation.classes)
    positions = pd.Index(turns["utterance_id"]).get_indexer(rows["utterance_id"])
    total = np.zeros((count, classes))
    np.add.at(total, positions, run.evaluation.probabilities[rows.index])
    right = np.bincount(positions, rows["correct"].fillna(False).astype(bool), count).astype(int)
    right[turns["label"].isna().to_numpy()] = -1
    percents = np.round(100 * total / len(run.evaluation.seeds)).astype(int)
    return {
        "percent": percents.ravel().tolist(),
        "best": total.argmax(axis=1).tolist(),
        "right": right.tolist(),
    }


def _missing(run: Run, ids: pd.Series) -> list[str]:
    quality = run.quality[~run.quality["available"].astype(bool)]
    absent = quality.groupby("utterance_id")["modality"].agg(set).to_dict()
    return [
        ", ".join(name for name in MODALITIES if name in absent.get(identifier, ()))
        for identifier in ids
    ]
