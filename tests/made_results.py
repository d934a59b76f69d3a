"""Made results of a small corpus: all that the report reads, without running the workflow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.artifacts import open_table, write_table
from cberl.corpus.tables import LABELS, QUALITY, UTTERANCES
from cberl.evaluate import tables
from cberl.evaluate.evaluation import evaluate, judge_utterances
from cberl.evaluate.judge import read_judgements
from cberl.train.tables import PREDICTIONS

CLASSES = ["neutral", "joy", "fear"]
SPEAKERS = ["Ann", "Ben", "Cid"]
ORIGIN = {"rule": "made", "seed": None, "settings": {}, "inputs": {}}
MARKUP = "<img src=x onerror=\"document.title='owned'\"></script><script>alert(1)</script>"


@dataclass(frozen=True)
class MadeResults:
    """A folder like ``results/{corpus}``."""

    folder: Path
    variants: tuple[str, ...]
    seeds: tuple[int, ...]

    def evaluation_paths(self) -> dict[str, Path]:
        names = [
            *("per_class", "overall", "confusion", "summary", "comparison"),
            *("contribution", "subgroups", "calibration", "judged"),
        ]
        return {name: self.folder / f"evaluate/{name}.parquet" for name in names}

    def prediction_paths(self) -> dict[tuple[str, int], Path]:
        return {
            (variant, seed): self.folder / f"train/{variant}/seed{seed}/predictions.parquet"
            for variant in self.variants
            for seed in self.seeds
        }

    def label_paths(self) -> dict[str, Path]:
        return {
            split: self.folder / f"corpus/labels_{split}.parquet"
            for split in ("train", "dev", "test")
        }


def make_results(folder, variants=("baseline", "cberl"), seeds=(0, 1), dialogues=6):
    """Write a made corpus, predictions that lean towards the truth, and their evaluation."""
    made = MadeResults(Path(folder), tuple(variants), tuple(seeds))
    draw = np.random.default_rng(5)
    utterances, labels = make_corpus(draw, dialogues)
    write_table(made.folder / "corpus/utterances.parquet", UTTERANCES, utterances, ORIGIN)
    for split, path in made.label_paths().items():
        rows = labels[utterances["split"] == split]
        metadata = {"classes": CLASSES, "split": split}
        write_table(path, LABELS, rows, ORIGIN, metadata=metadata)
    quality = make_quality(utterances)
    write_table(made.folder / "corpus/quality.parquet", QUALITY, quality, ORIGIN)
    for path in made.prediction_paths().values():
        write_predictions(path, utterances, labels, draw)
    write_evaluation(made, utterances, quality)
    return made


def make_corpus(draw, dialogues):
    rows, labels = [], []
    for split in ("train", "dev", "test"):
        for dialogue in range(dialogues):
            for turn in range(4 + dialogue % 3):
                rows.append(
                    {
                        "utterance_id": f"{split}/{dialogue}/{turn}",
                        "split": split,
                        "dialogue_id": f"{split}/{dialogue}",
                        "turn": turn,
                        "speaker": SPEAKERS[draw.integers(3 if split == "test" else 2)],
                        "text": MARKUP if dialogue == turn == 0 else f"Turn {turn}, so it goes.",
                        **dict.fromkeys(
                            column.name for column in UTTERANCES.columns if column.nullable
                        ),
                    }
                )
                labels.append(draw.choice([*CLASSES, None], p=[0.5, 0.3, 0.15, 0.05]))
    utterances = pd.DataFrame(rows)
    return utterances, pd.DataFrame({"utterance_id": utterances["utterance_id"], "label": labels})


def make_quality(utterances):
    frames = []
    for modality in ("text", "audio", "video"):
        frame = pd.DataFrame(
            {column.name: None for column in QUALITY.columns}, index=range(len(utterances))
        )
        frame["utterance_id"], frame["modality"] = utterances["utterance_id"], modality
        frame["available"] = True
        if modality != "text":
            frame.loc[3::7, "available"] = False
            frame.loc[3::7, "reason"] = "file is missing"
            frame["duration_s"] = 2.5
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def write_predictions(path, utterances, labels, draw):
    judged = utterances["split"].isin(["dev", "test"]).to_numpy()
    truth = pd.Categorical(labels["label"], categories=CLASSES).codes[judged]
    frames, matrices = [], []
    for removed in ("none", "text", "audio", "video"):
        lean = 0.4 if removed == "text" else 1.2
        logits = draw.normal(size=(len(truth), len(CLASSES)))
        logits[np.arange(len(truth)), np.maximum(truth, 0)] += lean
        matrix = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        predicted = np.array(CLASSES, dtype=object)[matrix.argmax(axis=1)]
        frame = utterances.loc[judged, ["utterance_id", "split"]]
        frames.append(frame.assign(removed=removed, predicted=predicted))
        matrices.append(matrix)
    write_table(
        path,
        PREDICTIONS,
        pd.concat(frames, ignore_index=True),
        ORIGIN,
        {"probabilities": np.concatenate(matrices)},
        metadata={"classes": CLASSES},
    )


def write_evaluation(made, utterances, quality):
    judgements = read_judgements(made.prediction_paths(), utterances, made.label_paths())
    found = evaluate(judgements, CLASSES, utterances, quality, "made", 50, 0.95)
    metadata = {
        "classes": CLASSES,
        "variants": list(made.variants),
        "seeds": list(made.seeds),
        "resamples": 50,
        "confidence": 0.95,
    }
    paths = made.evaluation_paths()
    for name, frame in found.items():
        write_table(paths[name], getattr(tables, name.upper()), frame, ORIGIN, metadata=metadata)
    with open_table(paths["judged"], tables.JUDGED, ORIGIN, metadata) as writer:
        for frame, probabilities in judge_utterances(judgements, CLASSES, "made"):
            writer.write(frame, {"probabilities": probabilities})
