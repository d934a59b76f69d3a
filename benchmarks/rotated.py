"""Rotated splits: every part of a small corpus is the test split once.

    python benchmarks/rotated.py config/config.yaml

The test split of a small corpus decides little. Here its dialogues (or what else its split goes by)
are divided into five parts; each part is test once, the next one dev, the others train, and the
predictions of the five runs are scored as one. Features are those of a run of the configuration
that is done in results/, so its encoders must not have seen labels. The arms are those of the
EmoryNLP evidence. The tables go into the section of docs/results.md that has the corpus's name, if
there is one.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from evidence import BASELINE, CONFIDENCE, RESAMPLES, intervals_table, scores_table
from results_page import PAGE, replace_section
from snakemake_runs import run_snakemake

from cberl.artifacts import read_header, read_matrix, read_table, row_positions
from cberl.configuration import PROJECT
from cberl.corpus.labels import read_classes
from cberl.corpus.tables import LABELS, UTTERANCES
from cberl.evaluate.predictions import ModelPredictions, read_model_predictions
from cberl.evaluate.score import score_classes, score_overall
from cberl.evaluate.summarise import bootstrap_groups, compare_variants, summarise
from cberl.features.tables import FEATURES, LOG_PROBABILITIES
from cberl.modalities import MODALITIES, SPLITS
from cberl.tables import NOTHING_REMOVED

PARTS = 5
SEEDS = (0, 1, 2)
ARMS = PROJECT / "benchmarks/evidence_emorynlp.tsv"
KEPT = ("modalities", "oversample", "fuse", "graph", "train")
"""The sections of a configuration that matter once features are there."""


def read_corpus(results: Path) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Utterances with the columns of published features, and vectors by modality [N, width].

    Raises:
        SystemExit: there are no features, or encoders were fine-tuned on labels.
    """
    utterances = read_table(results / "corpus/utterances.parquet", UTTERANCES)
    labels = [read_table(results / f"corpus/labels_{split}.parquet", LABELS) for split in SPLITS]
    by_id = pd.concat(labels).set_index("utterance_id")["label"]
    rows = pd.DataFrame(
        {
            "dialogue": utterances["dialogue_id"],
            "utterance": utterances["turn"].astype(str),
            "speaker": utterances["speaker"],
            "text": utterances["text"],
            "label": by_id.reindex(utterances["utterance_id"]).to_numpy(),
            "group": utterances["split_group"],
        }
    )
    vectors = {}
    for modality in MODALITIES:
        paths = [results / f"features/{modality}/{split}.parquet" for split in SPLITS]
        if not paths[0].exists():
            continue
        if LOG_PROBABILITIES in read_header(paths[0])["metadata"]:
            raise SystemExit(f"error: {paths[0]} is of encoders that were fine-tuned on labels")
        ids = pd.concat([read_table(path, FEATURES)["utterance_id"] for path in paths])
        order = row_positions(ids, utterances["utterance_id"], paths[0])
        vectors[modality] = np.concatenate([read_matrix(path, "features") for path in paths])[order]
    if not vectors:
        raise SystemExit(f"error: {results} has no features; run the configuration first")
    return rows, vectors


def write_part(
    folder: Path,
    part: int,
    rows: pd.DataFrame,
    vectors: Mapping[str, np.ndarray],
    settings: Mapping[str, Any],
) -> Path:
    """Write the corpus with one part as its test split, and a configuration; the latter's path."""
    groups = np.random.default_rng(0).permutation(rows["group"].unique())
    number = rows["group"].map(dict(zip(groups, np.arange(len(groups)) % PARTS, strict=True)))
    names = np.where(number == part, "test", np.where(number == (part + 1) % PARTS, "dev", "train"))
    table = pa.Table.from_pandas(rows.assign(split=names), preserve_index=False)
    for modality, matrix in vectors.items():
        absent = pa.array(np.isnan(matrix).all(axis=1))
        lists = pa.FixedSizeListArray.from_arrays(matrix.ravel(), matrix.shape[1], mask=absent)
        table = table.append_column(f"{modality}_features", lists)
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "features.parquet")
    corpus = {
        "name": settings["corpus"]["name"],
        "kind": "features",
        "root": str(folder.resolve()),
        "file": "features.parquet",
        "max_unavailable": 1.0,
    }
    own = {name: settings[name] for name in KEPT if name in settings}
    own |= {"corpus": corpus, "variants": str(ARMS), "seeds": list(SEEDS), "device": "cpu"}
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(own, sort_keys=False), encoding="utf-8")
    return config


def read_part(results: Path) -> list[ModelPredictions]:
    """The test predictions of one run."""
    runs = {
        (path.parents[1].name, int(path.parent.name.removeprefix("seed"))): path
        for path in sorted(results.glob("train/*/seed*/predictions.parquet"))
    }
    utterances = read_table(results / "corpus/utterances.parquet", UTTERANCES)
    labels = {split: results / f"corpus/labels_{split}.parquet" for split in SPLITS}
    models = read_model_predictions(runs, utterances, labels)
    return [one for one in models if (one.split, one.removed) == ("test", NOTHING_REMOVED)]


def join(parts: Sequence[Sequence[ModelPredictions]]) -> list[ModelPredictions]:
    """Of each variant and seed, the predictions of all parts as those of one test split."""
    together: dict[tuple[str, int], list[ModelPredictions]] = {}
    for one in (one for part in parts for one in part):
        together.setdefault((one.variant, one.seed), []).append(one)
    return [
        ModelPredictions(
            *(variant, seed, "test", NOTHING_REMOVED),
            pd.concat([one.utterances for one in members], ignore_index=True),
            *(
                np.concatenate([getattr(one, name) for one in members])
                for name in ("truth", "predicted", "probabilities")
            ),
        )
        for (variant, seed), members in together.items()
    ]


def report(models: Sequence[ModelPredictions], classes: Sequence[str]) -> str:
    """The tables as Markdown."""
    scored = [score_classes(one, classes) for one in models]
    overall = pd.DataFrame(list(map(score_overall, models, scored)))
    bootstrapped = bootstrap_groups(models, classes, RESAMPLES)
    per_class = pd.concat(scored, ignore_index=True)
    summary = summarise(per_class, overall, bootstrapped, classes, CONFIDENCE)
    arms = list(dict.fromkeys(one.variant for one in models))
    comparison = compare_variants(bootstrapped, arms, classes, CONFIDENCE)
    rows = len(models[0].utterances)
    return "\n\n".join(
        [
            f"{rows:,} utterances, each predicted by networks that have not seen its dialogue."
            f" F1 in percent; seeds: {len(SEEDS)}; mean ± standard deviation.",
            scores_table(summary, "f1", classes),
            "Against the baseline, in points, with 95 % intervals:",
            intervals_table(comparison[comparison["reference"] == BASELINE], "difference", (), "+"),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, help="configuration that has been run")
    parser.add_argument("--folder", type=Path, default=PROJECT / "results/rotated")
    parser.add_argument("--cores", default="all")
    arguments = parser.parse_args()
    settings = yaml.safe_load(arguments.config.read_text(encoding="utf-8"))
    name = settings["corpus"]["name"]
    rows, vectors = read_corpus(PROJECT / "results" / name)
    parts = []
    for part in range(PARTS):
        folder = arguments.folder / name / f"part{part}"
        config = write_part(folder, part, rows, vectors, settings)
        target = f"results/{name}/evaluate/summary.parquet"
        run_snakemake(folder, target, "--configfile", str(config), cores=arguments.cores, show=True)
        parts.append(read_part(folder / "results" / name))
    classes = read_classes(folder / f"results/{name}/corpus/labels_test.parquet")
    arms = [line.split("\t")[0] for line in ARMS.read_text(encoding="utf-8").splitlines()[1:]]
    models = sorted(join(parts), key=lambda one: (arms.index(one.variant), one.seed))
    tables = report(models, classes)
    print(tables)
    section = f"rotated-{name}"
    if f"<!-- {section}: begin -->" in PAGE.read_text(encoding="utf-8"):
        replace_section(section, tables)


if __name__ == "__main__":
    main()
