"""Quality of synthetic rows on the real MELD annotations, text alone: random, SMOTE and GAN.

    python benchmarks/oversample_meld.py MELD [--folder FOLDER] [--cores 1]

MELD holds the three CSVs. The pipeline's own rules run up to `assess_synthetic` in FOLDER, with
all-MiniLM-L6-v2 as it is published and the default settings of oversampling. Printed, and written
into docs/results.md.
"""

import argparse
import json
from pathlib import Path

from results_page import markdown_table, replace_section
from snakemake_runs import run_snakemake

from cberl.artifacts import read_table
from cberl.configuration import PROJECT
from cberl.oversample.tables import SYNTHETIC_QUALITY
from cberl.tables import ALL_CLASSES

OVERSAMPLERS = ("random", "smote", "gan")
NAME = "oversample_meld"
"""Of the corpus: a user's own results of config/meld.yaml may lie in the same folder."""
PLACE = f"results/{NAME}/oversample/{{}}/seed0/quality.parquet"
LABELS = (ALL_CLASSES, "disgust", "fear")
QUANTITIES = {
    "f1_trained_on_real": "F1, real",
    "f1_trained_on_synthetic": "F1, synthetic",
    "f1_trained_on_both": "F1, both",
    "two_sample_accuracy": "two-sample accuracy",
    "density": "density",
    "coverage": "coverage",
    "nearest_distance_ratio": "nearest distance",
    "copy_share": "copies",
    "variance_ratio": "variance",
    "collapsed": "collapsed",
}


def run_pipeline(meld: Path, folder: Path, cores: str) -> None:
    """Make the quality tables in ``folder``; what is there already is not made again."""
    corpus = {"name": NAME, "root": str(meld.resolve())}
    text = {"context_turns": 0, "finetune": {"enabled": False}}
    arguments = ["--quiet", "all", "--configfile", str(PROJECT / "config/meld.yaml"), "--config"]
    arguments += [f"corpus={json.dumps(corpus)}", "modalities=[text]"]
    arguments += [f"features={json.dumps({'text': text})}", "shards=1"]
    targets = [PLACE.format(oversampler) for oversampler in OVERSAMPLERS]
    run_snakemake(folder, *arguments, "--", *targets, cores=cores, show=True)


def quality_table(folder: Path) -> str:
    """One row per oversampler and class, one column per quantity, as Markdown."""
    rows = []
    for oversampler in OVERSAMPLERS:
        quality = read_table(folder / PLACE.format(oversampler), SYNTHETIC_QUALITY)
        value = quality.set_index(["label", "quantity"])["value"]
        rows += [
            (f"{oversampler}, {label}", *(f"{value[label, name]:.2f}" for name in QUANTITIES))
            for label in LABELS
        ]
    return markdown_table(("oversampler, class", *QUANTITIES.values()), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("meld", type=Path, help="folder of MELD's three CSVs")
    parser.add_argument("--folder", type=Path, default=PROJECT, help="where results/ is written")
    parser.add_argument("--cores", default="1")
    arguments = parser.parse_args()
    run_pipeline(arguments.meld, arguments.folder, arguments.cores)
    table = quality_table(arguments.folder)
    print(table)
    replace_section("oversample-meld", table)


if __name__ == "__main__":
    main()
