"""Model cards and event files."""

from dataclasses import replace
from itertools import pairwise

import pytest
from made_results import CLASSES, make_results

from cberl.report.model_card import cell, write_model_card


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("made")).run()


def test_card_states_use_data_scores_and_limits_in_that_order(run):
    card = write_model_card(run, "cberl", 1)
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert headings == [
        "## What it is",
        "## Intended use",
        "## Not to be used",
        "## Data",
        "## Scores on test",
        "## Known limits",
    ]
    assert "without their knowledge and consent" in card


def test_card_holds_this_seeds_scores_and_the_variants_interval(run):
    card = write_model_card(run, "cberl", 1)
    own = run.evaluation.find(
        "per_class", variant="cberl", seed=1, split="test", removed="none"
    ).set_index("class")
    for name in CLASSES:
        row = next(
            line
            for line in card.splitlines()
            if line.startswith(f"| {name} | {own.loc[name, 'support']} |")
        )
        assert f"| {100 * own.loc[name, 'f1']:.1f} |" in row
        score = run.evaluation.score("cberl", "f1", name)
        assert f"{100 * score['lower']:.1f} to {100 * score['upper']:.1f}" in row
    assert card != write_model_card(run, "cberl", 0)


def test_card_counts_labels_and_synthetic_rows(run):
    card = write_model_card(run, "cberl", 0)
    counts = run.utterances.groupby("split")["label"].value_counts()
    train, dev, test = (counts[split, "fear"] for split in ("train", "dev", "test"))
    assert f"| fear | {train} | {dev} | {test} | {train} |" in card


def test_tables_of_a_card_are_whole(run):
    lines = write_model_card(run, "baseline", 0).splitlines()
    for first, second in pairwise(lines):
        if first.startswith("|") and second.startswith("|"):
            assert first.count("|") == second.count("|"), (first, second)


def test_markup_cannot_break_a_cell():
    assert cell("a|b\n<script>") == "a\\|b &lt;script>"


def test_card_names_texts_from_elsewhere(run):
    facts = {
        "encoder": "MiniLM + MPNet",
        "encoders": [
            {"encoder": "MiniLM"},
            {"encoder": "MPNet", "auxiliary": {"file": "a|b.tsv", "texts": {"fear": 5}}},
        ],
    }
    card = write_model_card(replace(run, encoders=run.encoders | {"text": facts}), "cberl", 0)
    assert "| texts beside the corpus, MPNet | a\\|b.tsv: 5 fear |" in card.splitlines()
    assert "beside the corpus, MiniLM" not in card
