"""What the text encoders predict by themselves: two further arms of the evidence.

Their log-probabilities stand in the features of text, those of a training row by folds that have
not seen its label. The class of the largest one is the arm `ENCODERS`; after the last step of a
variant, chosen on the labelled rows of train and dev together, it is the arm `ADJUSTED`. No network
comes after them.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cberl.artifacts import read_header, read_matrix, read_table, row_positions
from cberl.corpus.labels import read_classes, read_labels
from cberl.evaluate.predictions import ModelPredictions
from cberl.features.tables import FEATURES, LOG_PROBABILITIES
from cberl.fitting.terms import count_labels, log_prior
from cberl.rows import NO_LABEL
from cberl.tables import NOTHING_REMOVED
from cberl.train.adjustment import ADJUSTMENTS, choose_adjustment

ENCODERS, ADJUSTED = "encoders", "encoders_adjusted"


def predict_by_encoders(
    results: Path, seed: int, utterances: pd.DataFrame, labels: Mapping[str, Path]
) -> list[ModelPredictions]:
    """Predictions of both arms on the test split; none where encoders gave no log-probabilities.

    Args:
        results: folder of a corpus's results.
        utterances: table UTTERANCES.
        labels: split -> its table of labels.
    """
    features = {split: results / f"features/text/{split}.parquet" for split in labels}
    test = features["test"]
    if not test.exists() or LOG_PROBABILITIES not in read_header(test)["metadata"]:
        return []
    classes = read_classes(labels["test"])
    rows, known, truth = {}, {}, {}
    for split, path in features.items():
        own = rows[split] = utterances[utterances["split"] == split].reset_index(drop=True)
        order = row_positions(read_table(path, FEATURES)["utterance_id"], own["utterance_id"], path)
        known[split] = torch.from_numpy(read_matrix(path, "features")[order, -len(classes) :])
        truth[split] = torch.from_numpy(read_labels(labels[split], own["utterance_id"].to_numpy()))
    prior = log_prior(count_labels(truth["train"], len(classes)))
    chosen_on = ("train", "dev")
    logits = torch.cat([known[split] for split in chosen_on])
    numbers = torch.cat([truth[split] for split in chosen_on])
    names = pd.concat([rows[split]["dialogue_id"] for split in chosen_on])
    counted = (numbers != NO_LABEL) & torch.isfinite(logits).all(dim=1)
    dialogues = torch.from_numpy(pd.factorize(names)[0])
    # Where there is no text, frequencies are all that is known.
    tested = torch.where(torch.isnan(known["test"]), prior, known["test"])
    models = []
    for arm, strengths in ((ENCODERS, "none"), (ADJUSTED, "chosen")):
        found = choose_adjustment(
            logits[counted], numbers[counted], dialogues[counted], prior, ADJUSTMENTS[strengths]
        )
        adjusted = (tested - found.strength * prior) / found.temperature
        models.append(
            ModelPredictions(
                arm,
                seed,
                "test",
                NOTHING_REMOVED,
                rows["test"],
                truth["test"].numpy(),
                adjusted.argmax(dim=1).numpy(),
                adjusted.softmax(dim=1).numpy().astype(np.float32),
                found.temperature,
            )
        )
    return models
