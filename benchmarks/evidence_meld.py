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
from cberl.evaluate.tables import ALL_CLASSES, COMPARISON, SUMMARY

CLASSES = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
BASELINE = "baseline"
TARGETS = {"weighted_f1": 63.0, "macro_f1": 47.0, "fear": 20.0, "disgust": 30.0}


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
        cells = [percent(cell.loc[(arm, name, metric)]) for name in CLASSES]
        if metric == "f1":
            for overall in ("weighted_f1", "macro_f1"):
                cells.append(percent(cell.loc[(arm, ALL_CLASSES, overall)]))
        rows.append((arm, *cells))
    means = ("weighted F1", "macro F1") if metric == "f1" else ()
    return markdown_table(("arm", *CLASSES, *means), rows)


def comparison_table(comparison: pd.DataFrame) -> str:
    """Each arm less the baseline, in points, with the paired bootstrap interval."""
    ours = comparison[comparison["reference"] == BASELINE]
    ours = ours.set_index(["variant", "class", "metric"])
    wanted = (
        ("macro_f1", ALL_CLASSES),
        ("weighted_f1", ALL_CLASSES),
        ("f1", "fear"),
        ("f1", "disgust"),
    )
    rows = []
    for arm in ours.index.get_level_values("variant").unique():
        cells = []
        for metric, name in wanted:
            row = ours.loc[(arm, name, metric)]
            low, high = 100 * row["lower"], 100 * row["upper"]
            cells.append(f"{100 * row['difference']:+.1f} ({low:+.1f} to {high:+.1f})")
        rows.append((arm, *cells))
    return markdown_table(("arm", "macro F1", "weighted F1", "fear F1", "disgust F1"), rows)


def targets_table(summary: pd.DataFrame) -> str:
    """What cberl was to reach, and what it reached, as the mean over seeds."""
    cell = 100 * summary.set_index(["variant", "class", "metric"])["mean"]
    reached = {
        "weighted_f1": cell["cberl", ALL_CLASSES, "weighted_f1"],
        "macro_f1": cell["cberl", ALL_CLASSES, "macro_f1"],
        "fear": cell["cberl", "fear", "f1"],
        "disgust": cell["cberl", "disgust", "f1"],
    }
    rows = [
        (name, f"{target:.1f}", f"{reached[name]:.1f}", "yes" if reached[name] >= target else "no")
        for name, target in TARGETS.items()
    ]
    return markdown_table(("F1 of cberl", "target", "reached", "met"), rows)


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
    comparison = comparison[comparison["split"] == "test"]
    parts = [
        "Test split (2,610 utterances), percent, mean ± standard deviation over five seeds.",
        "### F1",
        scores_table(summary, "f1"),
        "### Precision",
        scores_table(summary, "precision"),
        "### Recall",
        scores_table(summary, "recall"),
        "### Against the baseline, in points, with 95 % intervals (paired bootstrap by dialogue)",
        comparison_table(comparison),
        "### Targets",
        targets_table(summary),
    ]
    replace_section("evidence-meld", "\n\n".join(parts))


if __name__ == "__main__":
    main()
