"""Evidence on the real MELD annotations, text alone: every arm, five seeds, selected on dev.

    make evidence-meld MELD=FOLDER

FOLDER holds MELD's three CSVs. Runs the pipeline with benchmarks/evidence_meld.yaml and writes the
tables of the test split into docs/results.md.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
from results_page import markdown_table, replace_section

from cberl.artifacts import read_table
from cberl.configuration import PROJECT
from cberl.corpus.readers.meld import MELD_CLASSES
from cberl.evaluate.tables import COMPARISON, ENSEMBLE, SUMMARY
from cberl.tables import ALL_CLASSES

RARE = ("fear", "disgust")
HEADLINES = {
    "macro F1": (ALL_CLASSES, "macro_f1"),
    "weighted F1": (ALL_CLASSES, "weighted_f1"),
    **{f"{name} F1": (name, "f1") for name in RARE},
}
BASELINE, OURS = "baseline", "cberl"
SINGLE_REMEDIES = (
    "class_weights",
    "class_balanced",
    "focal",
    "ldam",
    "logit_adjustment",
    "adjustment",
    "random",
    "smote",
)


def run_pipeline(meld: Path, folder: Path, cores: str) -> None:
    """Run every arm in ``folder``; what is there already is not made again."""
    command = [sys.executable, "-m", "snakemake", "--cores", cores]
    command += ["--snakefile", str(PROJECT / "workflow/Snakefile"), "--directory", str(folder)]
    command += ["--configfile", str(PROJECT / "benchmarks/evidence_meld.yaml")]
    command += ["--config", f"corpus={json.dumps({'root': str(meld.resolve())})}"]
    subprocess.run(command, check=True)


def percent(row: pd.Series) -> str:
    return f"{100 * row['mean']:.1f} ± {100 * row['std']:.1f}"


def scores_table(summary: pd.DataFrame, metric: str) -> str:
    """One row per arm: a per-class score, then (for F1) the two means over classes."""
    cell = summary.set_index(["variant", "class", "metric"])
    rows = []
    for arm in summary["variant"].unique():
        cells = [percent(cell.loc[(arm, name, metric)]) for name in MELD_CLASSES]
        if metric == "f1":
            for overall in ("weighted_f1", "macro_f1"):
                cells.append(percent(cell.loc[(arm, ALL_CLASSES, overall)]))
        rows.append((arm, *cells))
    means = ("weighted F1", "macro F1") if metric == "f1" else ()
    return markdown_table(("arm", *MELD_CLASSES, *means), rows)


def intervals_table(scores: pd.DataFrame, value: str, sign: str = "") -> str:
    """One row per arm: the scores of `HEADLINES` in points, with their intervals."""
    cell = scores.set_index(["variant", "class", "metric"])
    rows = [
        (arm, *(interval(cell.loc[(arm, *which)], value, sign) for which in HEADLINES.values()))
        for arm in scores["variant"].unique()
    ]
    return markdown_table(("arm", *HEADLINES), rows)


def interval(row: pd.Series, value: str, sign: str = "") -> str:
    """A score or difference in points, and its interval."""
    middle, low, high = (100 * row[name] for name in (value, "lower", "upper"))
    return f"{middle:{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})"


def targets_table(summary: pd.DataFrame) -> str:
    """What cberl was to reach, and what it reached, as the mean over seeds."""
    mean = 100 * summary.set_index(["variant", "class", "metric"])["mean"]

    def rare_sum(arm: str) -> float:
        return sum(mean[arm, name, "f1"] for name in RARE)

    macro = {arm: mean[arm, ALL_CLASSES, "macro_f1"] for arm in summary["variant"].unique()}
    best = max(SINGLE_REMEDIES, key=macro.get)
    weighted = {arm: mean[arm, ALL_CLASSES, "weighted_f1"] for arm in (BASELINE, OURS)}
    rows = [
        ("weighted F1", 63.0, weighted[OURS]),
        ("macro F1", 47.0, macro[OURS]),
        ("fear F1", 20.0, mean[OURS, "fear", "f1"]),
        ("disgust F1", 30.0, mean[OURS, "disgust", "f1"]),
        (f"macro F1 over that of {best}, the best single remedy", 0.0, macro[OURS] - macro[best]),
        ("fear F1 + disgust F1 over the baseline's", 5.0, rare_sum(OURS) - rare_sum(BASELINE)),
        ("weighted F1 over the baseline's", -0.5, weighted[OURS] - weighted[BASELINE]),
    ]
    return markdown_table(
        ("of cberl", "at least", "reached", "met"),
        [
            (name, f"{target:.1f}", f"{reached:.1f}", "yes" if reached >= target else "no")
            for name, target, reached in rows
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("meld", type=Path, help="folder of MELD's three CSVs")
    parser.add_argument("--folder", type=Path, default=PROJECT, help="where results/ is written")
    parser.add_argument("--cores", default="all")
    arguments = parser.parse_args()
    run_pipeline(arguments.meld, arguments.folder, arguments.cores)
    evaluated = arguments.folder / "results/meld_text/evaluate"
    summary = read_table(evaluated / "summary.parquet", SUMMARY)
    summary = summary[(summary["split"] == "test") & (summary["removed"] == "none")]
    comparison = read_table(evaluated / "comparison.parquet", COMPARISON)
    against_baseline = comparison["reference"] == BASELINE
    comparison = comparison[(comparison["split"] == "test") & against_baseline]
    ensemble = read_table(evaluated / "ensemble.parquet", ENSEMBLE)
    ensemble = ensemble[ensemble["split"] == "test"]
    parts = [
        "Test split (2,610 utterances), percent, mean ± standard deviation over five seeds.",
        "### F1",
        scores_table(summary, "f1"),
        "### Precision",
        scores_table(summary, "precision"),
        "### Recall",
        scores_table(summary, "recall"),
        "### Against the baseline, in points, with 95 % intervals (paired bootstrap by dialogue)",
        intervals_table(comparison, "difference", "+"),
        "### All seeds of an arm judging together, with 95 % intervals",
        intervals_table(ensemble, "value"),
        "### Targets",
        targets_table(summary),
    ]
    replace_section("evidence-meld", "\n\n".join(parts))


if __name__ == "__main__":
    main()
