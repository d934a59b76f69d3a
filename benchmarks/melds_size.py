"""MELD's size, and made-up training rows and conversations of this size."""

import numpy as np
import pandas as pd

from cberl.rows import LabelledRows

SPLIT_UTTERANCES = {"train": 9989, "dev": 1109, "test": 2610}
"""Rows of MELD's annotations."""
SPLIT_DIALOGUES = {"train": 1038, "dev": 114, "test": 280}
EMOTIONS = {
    "neutral": 4710, "joy": 1743, "surprise": 1205, "anger": 1109,
    "sadness": 683, "disgust": 271, "fear": 268,
}  # fmt: skip
"""Training rows of each emotion."""
COUNTS = tuple(EMOTIONS.values())
CLASSES, UTTERANCES, DIALOGUES = len(COUNTS), sum(COUNTS), SPLIT_DIALOGUES["train"]
WIDTHS = {"text": 384, "audio": 88, "video": 1024}
"""The default features: all-MiniLM-L6-v2, eGeMAPSv02, DenseNet-121."""


def make_labels(generator: np.random.Generator) -> np.ndarray:
    """Class numbers in random order: int64 [N]."""
    return generator.permutation(np.repeat(np.arange(CLASSES), COUNTS))


def make_rows(generator: np.random.Generator) -> LabelledRows:
    """Normal features of every utterance in every modality, and labels."""
    values = {
        name: generator.standard_normal((UTTERANCES, width), dtype=np.float32)
        for name, width in WIDTHS.items()
    }
    ids = make_utterances(generator)["utterance_id"].to_numpy(object)
    classes = tuple(str(number) for number in range(CLASSES))
    return LabelledRows(ids, values, labels=make_labels(generator), classes=classes)


def make_utterances(generator: np.random.Generator) -> pd.DataFrame:
    """Dialogues of 1 to about 30 turns and up to 5 speakers: what tables of utterances share."""
    shares = generator.gamma(3.0, size=DIALOGUES)
    extra = generator.multinomial(UTTERANCES - DIALOGUES, shares / shares.sum())
    dialogue = np.repeat(np.arange(DIALOGUES), 1 + extra)
    frame = pd.DataFrame({"dialogue_id": [f"train/{number}" for number in dialogue]})
    frame["turn"] = frame.groupby("dialogue_id").cumcount()
    frame["speaker"] = generator.integers(5, size=UTTERANCES).astype(str)
    frame["utterance_id"] = frame["dialogue_id"] + "/" + frame["turn"].astype(str)
    return frame.assign(split="train")
