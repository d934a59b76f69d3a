"""Made-up training rows and conversations of MELD's size."""

import numpy as np
import pandas as pd

from cberl.rows import LabelledRows

COUNTS = (4710, 1743, 1205, 1109, 683, 271, 268)
"""Training rows of each of MELD's emotions."""
CLASSES, UTTERANCES, DIALOGUES = len(COUNTS), sum(COUNTS), 1038
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
