"""Made results of a small corpus: all that the report reads, without running the workflow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.artifacts import open_table, write_table
from cberl.corpus.tables import LABELS, QUALITY, UTTERANCES
from cberl.evaluate import tables
from cberl.evaluate.evaluate_models import count_groups, evaluate, list_predictions
from cberl.evaluate.predictions import read_model_predictions
from cberl.features.tables import FEATURES
from cberl.fuse.tables import LATENTS
from cberl.oversample.tables import SYNTHETIC, SYNTHETIC_QUALITY
from cberl.report.run import read_run
from cberl.tables import ALL_CLASSES, HISTORY
from cberl.train.tables import PREDICTIONS

SHARES = {"neutral": 0.5, "joy": 0.3, "fear": 0.15}
CLASSES = list(SHARES)
SPEAKERS = ["Ann", "Ben", "Cid"]
CONFIDENCE = 0.95
ORIGIN = {"rule": "made", "seed": None, "settings": {}, "inputs": {}}
MARKUP = "<img src=x onerror=\"document.title='owned'\"></script><script>alert(1)</script>"


@dataclass(frozen=True)
class MadeResults:
    """A folder like ``results/{corpus}``."""

    folder: Path
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    classes: list[str]

    def evaluation_paths(self) -> dict[str, Path]:
        return {kind.name: self.folder / f"evaluate/{kind.name}.parquet" for kind in tables.TABLES}

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

    def run(self):
        """Everything that the report reads."""
        config = {
            "corpus": {"name": "made", "kind": "meld"},
            "features": {"video": {"encoder": "r3d_18", "weights": "none"}},
            "seeds": list(self.seeds),
            "fuse": {"vae": {"class_weight": 1}},
            "train": {"patience": 3},
        }
        variants = {
            name: {
                "variant": name,
                "oversampler": "gan",
                "fusion": "vae",
                "loss": "ldam",
                "dialogue_sampling": "uniform",
                "mask_weight": 0.5,
            }
            for name in self.variants
        }
        corpus = self.folder / "corpus"
        files = {
            name: sorted(self.folder.glob(pattern))
            for name, pattern in {
                "features": "features/*/test.parquet",
                "synthetic": "oversample/*/*/synthetic.parquet",
                "synthetic_quality": "oversample/*/*/quality.parquet",
                "histories": "*/*/*/history.parquet",
                "latents": "fuse/*/seed0/t*.parquet",
            }.items()
        }
        return read_run(
            evaluation=self.evaluation_paths(),
            corpus={name: corpus / f"{name}.parquet" for name in ("utterances", "quality")},
            labels_train=self.label_paths()["train"],
            settings={"config": config, "variants": variants},
            provenance=ORIGIN,
            **files,
        )


def make_results(
    folder, variants=("baseline", "cberl"), seeds=(0, 1), dialogues=6, shares=SHARES, resamples=50
):
    """Write a made corpus, predictions that lean towards the truth, and their evaluation.

    Args:
        dialogues: of each split, or split -> dialogues.
        shares: class -> share of the utterances; what is left has no label.
    """
    made = MadeResults(Path(folder), tuple(variants), tuple(seeds), list(shares))
    draw = np.random.default_rng(5)
    if isinstance(dialogues, int):
        dialogues = dict.fromkeys(("train", "dev", "test"), dialogues)
    utterances, labels = make_corpus(draw, dialogues, shares)
    write_table(made.folder / "corpus/utterances.parquet", UTTERANCES, utterances, ORIGIN)
    for split, path in made.label_paths().items():
        rows = labels[utterances["split"] == split]
        metadata = {"classes": made.classes, "split": split}
        write_table(path, LABELS, rows, ORIGIN, metadata=metadata)
    quality = make_quality(utterances)
    write_table(made.folder / "corpus/quality.parquet", QUALITY, quality, ORIGIN)
    for path in made.prediction_paths().values():
        write_predictions(path, utterances, labels, made.classes, draw)
    write_evaluation(made, utterances, quality, resamples)
    write_synthetic(made, utterances, labels, draw)
    write_histories(made)
    return made


def make_corpus(draw, dialogues, shares):
    turns = [
        (split, dialogue, turn)
        for split, count in dialogues.items()
        for dialogue in range(count)
        for turn in range(4 + dialogue % 3)
    ]
    utterances = pd.DataFrame(turns, columns=["split", "dialogue_id", "turn"])
    utterances["dialogue_id"] = utterances["split"] + "/" + utterances["dialogue_id"].astype(str)
    utterances["utterance_id"] = utterances["dialogue_id"] + "/" + utterances["turn"].astype(str)
    # The third speaker is in the test split alone.
    voices = np.where(utterances["split"] == "test", len(SPEAKERS), len(SPEAKERS) - 1)
    utterances["speaker"] = np.array(SPEAKERS)[draw.integers(voices)]
    utterances["split_group"] = utterances["dialogue_id"]
    utterances["text"] = [f"Turn {turn}, so it goes." for turn in utterances["turn"]]
    utterances.loc[utterances["utterance_id"].str.endswith("/0/0"), "text"] = MARKUP
    for column in UTTERANCES.columns:
        if column.nullable:
            utterances[column.name] = None
    chances = [*shares.values(), 1 - sum(shares.values())]
    labels = draw.choice([*shares, None], size=len(utterances), p=chances)
    return utterances, pd.DataFrame({"utterance_id": utterances["utterance_id"], "label": labels})


def make_quality(utterances):
    frames = []
    for modality in ("text", "audio", "video"):
        frame = pd.DataFrame(dict.fromkeys(QUALITY.names), index=range(len(utterances)))
        frame["utterance_id"], frame["modality"] = utterances["utterance_id"], modality
        frame["available"] = True
        if modality != "text":
            frame.loc[3::7, "available"] = False
            frame.loc[3::7, "reason"] = "file is missing"
            frame["duration_s"] = 2.5
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def write_predictions(path, utterances, labels, classes, draw):
    scored = utterances["split"].isin(["dev", "test"]).to_numpy()
    truth = pd.Categorical(labels["label"], categories=classes).codes[scored]
    frames, matrices = [], []
    for removed in ("none", "text", "audio", "video"):
        lean = 0.4 if removed == "text" else 1.2
        logits = draw.normal(size=(len(truth), len(classes)))
        logits[np.arange(len(truth)), np.maximum(truth, 0)] += lean
        matrix = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        predicted = np.array(classes, dtype=object)[matrix.argmax(axis=1)]
        frame = utterances.loc[scored, ["utterance_id", "split"]]
        frames.append(frame.assign(removed=removed, predicted=predicted))
        matrices.append(matrix)
    write_table(
        path,
        PREDICTIONS,
        pd.concat(frames, ignore_index=True),
        ORIGIN,
        {"probabilities": np.concatenate(matrices)},
        metadata={"classes": classes, "temperature": 1.5},
    )


def write_evaluation(made, utterances, quality, resamples):
    models = read_model_predictions(made.prediction_paths(), utterances, made.label_paths())
    found = evaluate(models, made.classes, utterances, quality, "made", resamples, CONFIDENCE)
    metadata = {
        "classes": made.classes,
        "variants": list(made.variants),
        "seeds": list(made.seeds),
        "resamples": resamples,
        "split_by": "dialogue",
        "groups": count_groups(models, "test"),
        "confidence": CONFIDENCE,
    }
    paths = made.evaluation_paths()
    for name, frame in found.items():
        write_table(paths[name], getattr(tables, name.upper()), frame, ORIGIN, metadata=metadata)
    with open_table(paths["scored"], tables.SCORED, ORIGIN, metadata) as writer:
        for frame, probabilities in list_predictions(models, made.classes, "made"):
            writer.write(frame, {"probabilities": probabilities})


def write_synthetic(made, utterances, labels, draw):
    """A synthetic copy of every fearful training turn, the features' headers and the latents."""
    for modality in ("text", "audio", "video"):
        frame = pd.DataFrame({"utterance_id": ["test/0/0"], "available": True})
        facts = {"encoder": f"{modality} encoder", "trained": modality != "video"}
        path = made.folder / f"features/{modality}/test.parquet"
        matrix = np.ones((1, 2))
        frame = frame.assign(is_synthetic=False)
        write_table(path, FEATURES, frame, ORIGIN, {"features": matrix}, metadata=facts)
    train = utterances[(utterances["split"] == "train") & (labels["label"] == "fear")]
    copies = train[["turn", "speaker"]].assign(
        utterance_id=[f"train/0~1/{number}" for number in range(len(train))],
        source_utterance_id=train["utterance_id"],
        dialogue_id="train/0~1",
        label="fear",
        is_synthetic=True,
    )
    quality = pd.DataFrame(
        {
            "label": ["fear", "fear", ALL_CLASSES],
            "quantity": ["two_sample_accuracy", "collapsed", "two_sample_accuracy"],
            "value": [0.61, 1, np.nan],
            "note": [None, "variance below 0.2", "too few rows"],
        }
    )
    real = utterances.loc[utterances["split"] == "train", "utterance_id"]
    ids = [*real, *copies["utterance_id"]]
    frame = pd.DataFrame({"utterance_id": ids, "removed": "none", "available": True})
    frame["is_synthetic"] = np.arange(len(ids)) >= len(real)
    test = utterances.loc[utterances["split"] == "test", ["utterance_id"]]
    test = pd.concat([test.assign(removed=removed) for removed in ("none", "text")])
    test = test.assign(available=True, is_synthetic=False)
    for seed in made.seeds:
        folder = made.folder / f"oversample/gan/seed{seed}"
        write_table(folder / "synthetic.parquet", SYNTHETIC, copies, ORIGIN)
        write_table(folder / "quality.parquet", SYNTHETIC_QUALITY, quality, ORIGIN)
        folder = made.folder / f"fuse/gan-vae/seed{seed}"
        latents = {"latent": draw.normal(size=(len(ids), 5))}
        write_table(folder / "train.parquet", LATENTS, frame, ORIGIN, latents)
        latents = {"latent": draw.normal(size=(len(test), 5))}
        write_table(folder / "test.parquet", LATENTS, test, ORIGIN, latents)


def write_histories(made):
    rows = [
        {"epoch": epoch, "split": split, "quantity": quantity, "value": 1 / epoch}
        for epoch in range(1, 9)
        for split in ("train", "dev")
        for quantity in ("loss", "macro_f1")
    ]
    names = [f"train/{variant}" for variant in made.variants]
    for name in [*names, "fuse/vae", "oversample/gan"]:
        for seed in made.seeds:
            path = made.folder / f"{name}/seed{seed}/history.parquet"
            write_table(path, HISTORY, pd.DataFrame(rows), ORIGIN)
