"""What each of several text encoders predicts by itself: further arms of the evidence.

The features hold the log-probabilities of all encoders together. Those of one are made again for
the test split from its fine-tuned folds, some five minutes of a core for 109 million parameters,
and kept among the results until the folds are tuned again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from cberl.artifacts import read_tensor_header
from cberl.corpus.labels import read_labels
from cberl.evaluate.predictions import ModelPredictions
from cberl.features.settings import TextSettings
from cberl.features.text.extract import TextEncoder
from cberl.settings import read_settings
from cberl.tables import NOTHING_REMOVED

KEPT = "evaluate/each_encoder.safetensors"


def predict_by_each(
    results: Path,
    settings: Mapping[str, Any],
    seed: int,
    utterances: pd.DataFrame,
    labels: Path,
) -> list[ModelPredictions]:
    """Predictions of each encoder on the test split, without a last step; none of a single one.

    Args:
        results: folder of a corpus's results, in which the log-probabilities are kept.
        settings: ``features.text`` of the configuration.
        seed: of the run.
        utterances: table UTTERANCES.
        labels: table LABELS of the test split.
    """
    encoders = read_settings(TextSettings, settings).each
    weights = sorted(results.glob("features/text/fold*/encoder.safetensors"))
    if len(encoders) == 1 or not weights:
        return []
    rows = utterances[utterances["split"] == "test"].reset_index(drop=True)
    kept = results / KEPT
    if not kept.exists() or kept.stat().st_mtime < max(path.stat().st_mtime for path in weights):
        known = {}
        for position, own in enumerate(encoders):
            folds = [path for path in weights if _position(path) == position]
            encoder = TextEncoder(own, folds, "cpu")
            found = encoder.log_probabilities(
                encoder.open(rows), np.arange(len(rows)), rows["dialogue_id"].to_numpy(object)
            )
            # Numbered, since one encoder may be there twice, with different turns around.
            arm = f"encoder_{position + 1}_{Path(own.encoder).name}"
            known[arm] = found.astype(np.float32)  # [rows, classes]
        save_file(known, kept)
    truth = read_labels(labels, rows["utterance_id"].to_numpy())
    return [
        ModelPredictions(
            arm,
            seed,
            "test",
            NOTHING_REMOVED,
            rows,
            truth,
            # Where there is no text, all classes are as likely.
            np.nan_to_num(known).argmax(axis=1),
            np.nan_to_num(np.exp(known), nan=1 / known.shape[1]),
            1.0,
        )
        for arm, known in load_file(kept).items()
    ]


def _position(weights: Path) -> int:
    """Which encoder of the list a fold's weights belong to."""
    return read_tensor_header(weights)["metadata"].get("position", 0)
