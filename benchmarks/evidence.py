"""Evidence: every arm of a configuration, with whole seeds, all chosen on dev.

    make evidence-meld MELD=FOLDER
    make evidence-table CONFIG=FILE

A seed is whole: it has its own fine-tuned encoders, folds, synthetic rows, VAE and networks, so
that the spread over seeds holds all that chance decides. Each seed is a run of the pipeline in a
folder of its own, where what is there already is not made again: a run that was cut off goes on,
and more seeds can follow. The tables are of the test split, over the seeds that are done, with arms
more: what fine-tuned encoders predict by themselves, together (`encoders_alone`) and, if there are
several, each (`each_encoder`). They go into the section of docs/results.md that has the
configuration's name, if there is one.
"""

import argparse
import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from each_encoder import predict_by_each
from encoders_alone import predict_by_encoders
from results_page import PAGE, markdown_table, replace_section
from snakemake_runs import run_snakemake

from cberl.artifacts import read_table
from cberl.configuration import PROJECT
from cberl.corpus.labels import read_classes
from cberl.corpus.tables import UTTERANCES
from cberl.evaluate.predictions import ModelPredictions, read_model_predictions
from cberl.evaluate.score import score_classes, score_overall
from cberl.evaluate.summarise import (
    bootstrap_groups,
    compare_variants,
    score_ensembles,
    summarise,
)
from cberl.modalities import SPLITS
from cberl.report.formatting import spread
from cberl.tables import ALL_CLASSES, NOTHING_REMOVED

BASELINE, OURS = "baseline", "cberl"
RESAMPLES, CONFIDENCE = 1000, 0.95
MELD = ("evidence-meld", "evidence-pair")
MELD_RARE = ("fear", "disgust")
MELD_TARGETS = {
    "weighted F1": 64.0,
    "macro F1": 47.5,
    "fear F1": 20.0,
    "disgust F1": 30.0,
    "macro F1 over the baseline's": 2.0,
    "fear F1 + disgust F1 over the baseline's": 8.0,
    "weighted F1 over the baseline's": -0.3,
}


def run_seed(settings: Mapping[str, Any], seed: int, folder: Path, cores: str) -> None:
    """Take one seed through the pipeline, fine-tuning and all."""
    own = copy.deepcopy(dict(settings)) | {"seeds": [seed]}
    text = own.get("features", {}).get("text", {})
    for encoder in (text, *text.get("encoders", ())):
        if "finetune" in encoder:
            # Folds of one seed take the numbers that follow its own.
            encoder["finetune"]["seed"] = 1000 * seed
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(own, sort_keys=False), encoding="utf-8")
    name = own["corpus"]["name"]
    target = f"results/{name}/evaluate/summary.parquet"
    run_snakemake(folder, target, "--configfile", str(config), cores=cores, show=True)


def read_seeds(
    folder: Path, name: str, text: Mapping[str, Any]
) -> tuple[list[ModelPredictions], list[str]]:
    """The test predictions of the seeds that are done, and the names of the classes.

    Args:
        folder: of all seeds.
        name: of the corpus.
        text: ``features.text`` of the configuration.

    Raises:
        SystemExit: none is.
    """
    models, classes = [], []
    for done in sorted(folder.glob(f"seed*/results/{name}/evaluate/summary.parquet")):
        results = done.parents[1]
        seed = int(results.parents[1].name.removeprefix("seed"))
        labels = {split: results / f"corpus/labels_{split}.parquet" for split in SPLITS}
        classes = read_classes(labels["test"])
        predictions = sorted(results.glob(f"train/*/seed{seed}/predictions.parquet"))
        runs = {(path.parents[1].name, seed): path for path in predictions}
        utterances = read_table(results / "corpus/utterances.parquet", UTTERANCES)
        models += read_model_predictions(runs, utterances, labels)
        models += predict_by_encoders(results, seed, utterances, labels)
        models += predict_by_each(results, text, seed, utterances, labels["test"])
    if not models:
        raise SystemExit(f"error: no seed is done in {folder}")
    chosen = [one for one in models if (one.split, one.removed) == ("test", NOTHING_REMOVED)]
    return chosen, classes


def in_order(models: Sequence[ModelPredictions], arms: Sequence[str]) -> list[ModelPredictions]:
    """Predictions by arm, in the order of the variants table, encoders last, then by seed."""
    order = [*arms, *dict.fromkeys(one.variant for one in models)]
    return sorted(models, key=lambda one: (order.index(one.variant), one.seed))


def report(models: Sequence[ModelPredictions], classes: Sequence[str], rare: Sequence[str]) -> str:
    """The tables as Markdown."""
    arms = list(dict.fromkeys(one.variant for one in models))
    seeds = len({one.seed for one in models})
    scored = [score_classes(one, classes) for one in models]
    per_class = pd.concat(scored, ignore_index=True)
    overall = pd.DataFrame(list(map(score_overall, models, scored)))
    bootstrapped = bootstrap_groups(models, classes, RESAMPLES)
    summary = summarise(per_class, overall, bootstrapped, classes, CONFIDENCE)
    comparison = compare_variants(bootstrapped, arms, classes, CONFIDENCE)
    comparison = comparison[comparison["reference"] == BASELINE]
    ensemble = score_ensembles(models, classes, RESAMPLES, CONFIDENCE)
    rows = len(models[0].utterances)
    parts = [
        f"Test split ({rows:,} utterances), percent; seeds: {seeds}, each with encoders of its own;"
        " mean ± standard deviation.",
        "### F1",
        scores_table(summary, "f1", classes),
        "### Precision",
        scores_table(summary, "precision", classes),
        "### Recall",
        scores_table(summary, "recall", classes),
        "### Against the baseline, in points, with 95 % intervals (paired bootstrap by dialogue)",
        intervals_table(comparison, "difference", rare, "+"),
        "### All seeds of an arm predicting together, with 95 % intervals",
        intervals_table(ensemble, "value", rare),
    ]
    if rare == MELD_RARE:
        parts += ["### Targets", targets_table(summary)]
    return "\n\n".join(parts)


def scores_table(summary: pd.DataFrame, metric: str, classes: Sequence[str]) -> str:
    """One row per arm: a per-class score, then (for F1) the two means over classes."""
    cell = summary.set_index(["variant", "class", "metric"])
    rows = []
    for arm in summary["variant"].unique():
        cells = [spread(cell.loc[(arm, name, metric)]) for name in classes]
        if metric == "f1":
            for overall in ("weighted_f1", "macro_f1"):
                cells.append(spread(cell.loc[(arm, ALL_CLASSES, overall)]))
        rows.append((arm, *cells))
    means = ("weighted F1", "macro F1") if metric == "f1" else ()
    return markdown_table(("arm", *classes, *means), rows)


def intervals_table(scores: pd.DataFrame, value: str, rare: Sequence[str], sign: str = "") -> str:
    """One row per arm: both means and the rare classes, in points, with their intervals."""
    cell = scores.set_index(["variant", "class", "metric"])
    headlines = {
        "macro F1": (ALL_CLASSES, "macro_f1"),
        "weighted F1": (ALL_CLASSES, "weighted_f1"),
        **{f"{name} F1": (name, "f1") for name in rare},
    }
    rows = [
        (arm, *(interval(cell.loc[(arm, *which)], value, sign) for which in headlines.values()))
        for arm in scores["variant"].unique()
    ]
    return markdown_table(("arm", *headlines), rows)


def interval(row: pd.Series, value: str, sign: str = "") -> str:
    """A score or difference in points, and its interval."""
    middle, low, high = (100 * row[name] for name in (value, "lower", "upper"))
    return f"{middle:{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})"


def targets_table(summary: pd.DataFrame) -> str:
    """What cberl was to reach on MELD, and what it reached, as the mean over seeds."""
    mean = 100 * summary.set_index(["variant", "class", "metric"])["mean"]

    def score(arm: str) -> dict[str, float]:
        rare = {f"{name} F1": mean[arm, name, "f1"] for name in MELD_RARE}
        return {
            "weighted F1": mean[arm, ALL_CLASSES, "weighted_f1"],
            "macro F1": mean[arm, ALL_CLASSES, "macro_f1"],
            **rare,
            "fear F1 + disgust F1": sum(rare.values()),
        }

    ours, baseline = score(OURS), score(BASELINE)
    reached = ours | {
        f"{name} over the baseline's": value - baseline[name] for name, value in ours.items()
    }
    return markdown_table(
        ("of cberl", "at least", "reached", "met"),
        [
            (name, f"{target:.1f}", f"{reached[name]:.1f}", met)
            for name, target in MELD_TARGETS.items()
            for met in ("yes" if reached[name] >= target else "no",)
        ],
    )


def read_config(path: Path, root: Path | None) -> dict[str, Any]:
    """A configuration with absolute paths, so that it can be run from any folder."""
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    if root is not None:
        settings["corpus"]["root"] = str(root)
    for section, key in ((settings["corpus"], "root"), (settings, "variants")):
        if key in section and Path(section[key]).exists():
            section[key] = str(Path(section[key]).resolve())
    return settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, help="configuration with several seeds and arms")
    parser.add_argument("--root", type=Path, help="folder of the corpus, if not the one it names")
    parser.add_argument("--folder", type=Path, default=PROJECT / "results/evidence")
    parser.add_argument("--cores", default="all")
    parser.add_argument("--tables-only", action="store_true", help="of the seeds that are done")
    arguments = parser.parse_args()
    settings = read_config(arguments.config, arguments.root)
    name = settings["corpus"]["name"]
    if not arguments.tables_only:
        for seed in settings["seeds"]:
            run_seed(settings, seed, arguments.folder / name / f"seed{seed}", arguments.cores)
    text = settings.get("features", {}).get("text", {})
    models, classes = read_seeds(arguments.folder / name, name, text)
    lines = (PROJECT / settings["variants"]).read_text(encoding="utf-8").splitlines()
    arms = [line.split("\t")[0] for line in lines[1:]]
    section = arguments.config.stem.replace("_", "-")
    rare = MELD_RARE if section in MELD else ()
    tables = report(in_order(models, arms), classes, rare)
    print(tables)
    if f"<!-- {section}: begin -->" in PAGE.read_text(encoding="utf-8"):
        replace_section(section, tables)


if __name__ == "__main__":
    main()
