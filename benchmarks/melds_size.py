"""Made-up training rows and conversations of MELD's size, and the default settings for them."""

import numpy as np
import pandas as pd
import yaml

from cberl.configuration import PROJECT
from cberl.features.featureset import FeatureSet

COUNTS = (4710, 1743, 1205, 1109, 683, 271, 268)
"""Training rows of each of MELD's emotions."""
CLASSES, UTTERANCES, DIALOGUES = len(COUNTS), sum(COUNTS), 1038
WIDTHS = {"text": 384, "audio": 88, "video": 1024}
"""The default features: all-MiniLM-L6-v2, eGeMAPSv02, DenseNet-121."""


def make_labels(generator: np.random.Generator) -> np.ndarray:
    """Class numbers in random order: int64 [N]."""
    return generator.permutation(np.repeat(np.arange(CLASSES), COUNTS))


def make_features(generator: np.random.Generator) -> FeatureSet:
    """Normal features of every utterance in every modality."""
    values = {
        name: generator.standard_normal((UTTERANCES, width), dtype=np.float32)
        for name, width in WIDTHS.items()
    }
    available = {name: np.ones(UTTERANCES, dtype=bool) for name in WIDTHS}
    ids = make_utterances(generator)["utterance_id"].to_numpy(object)
    return FeatureSet(ids, values, available)


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


def default_settings(*section: str) -> dict[str, object]:
    """The defaults of a section of the configuration without sections of its own."""
    text = (PROJECT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8")
    part = yaml.safe_load(text)
    for name in section:
        part = part["properties"][name]
    return {name: key["default"] for name, key in part["properties"].items()}
