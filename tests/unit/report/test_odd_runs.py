"""Runs that are unlike the usual: each still gets a whole report."""

import made_results
import pytest
from made_results import make_results

from cberl.report.headline import write_headline
from cberl.report.model_card import write_model_card
from cberl.report.page import render_page
from cberl.report.score_bars import draw_per_class
from cberl.report.verdict import write_verdict


def without_labels(split):
    """A corpus one of whose splits nobody has labelled."""
    make_corpus = made_results.make_corpus

    def make(*arguments):
        utterances, labels = make_corpus(*arguments)
        labels.loc[utterances["split"] == split, "label"] = None
        return utterances, labels

    return make


def reports_of(made):
    run = made.run()
    variant, seed = made.variants[-1], made.seeds[0]
    return (
        render_page(run),
        write_verdict(run.evaluation, "page"),
        write_model_card(run, variant, seed),
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "oddity",
    [
        {"dialogues": 1},
        {"seeds": (7,), "variants": ("only",)},
        {"shares": {"calm": 0.6, "fear": 0.4}},
        {"shares": {f"emotion {number} <b>|</b>": 0.04 for number in range(22)}},
        {"variants": tuple(f"a_very_long_name_of_a_variant_{number}" for number in range(5))},
    ],
    ids=["one dialogue", "one model", "two classes", "22 classes", "long names"],
)
def test_odd_runs_get_a_report(tmp_path, oddity):
    page, verdict, card = reports_of(make_results(tmp_path, **oddity))
    assert max(map(len, verdict.splitlines())) <= 100
    assert "<b>" not in page.split('<script type="application/json"')[0]
    assert "nan" not in verdict + card


def test_one_dialogue_and_one_seed_have_neither_intervals_nor_deviations(tmp_path):
    made = make_results(tmp_path, dialogues=1, seeds=(7,))
    page, verdict, card = reports_of(made)
    page = page.split('<script type="application/json"')[0]
    for text in (page, verdict, card):
        assert "– to –" not in text
        assert "bootstrap" not in text
        assert "(95 %" not in text
    assert "The test split is one dialogue: there are no intervals." in verdict
    assert "read their intervals" not in page + card
    assert "standard deviation" not in page.split('<section id="parts">')[0] + card
    bars = draw_per_class(made.run().evaluation).views["F1"]["data"]
    assert [bar["error_y"] for bar in bars] == [{"visible": False}] * len(bars)


def test_classes_that_are_all_alike_have_neither_best_nor_weakest(tmp_path):
    evaluation = make_results(tmp_path).run().evaluation
    summary = evaluation.frames["summary"]
    evaluation.frames["summary"] = summary.assign(mean=0.0)
    assert "Its F1 is 0.0 for every class." in write_headline(evaluation)


@pytest.mark.filterwarnings("error")
def test_a_test_split_without_labels_is_said_to_have_none(tmp_path, monkeypatch):
    monkeypatch.setattr(made_results, "make_corpus", without_labels("test"))
    page, verdict, card = reports_of(make_results(tmp_path))
    assert "No test utterance has a label" in page
    assert "No test utterance has a label" in verdict
    assert "The test split has" not in page
    assert "test speakers" not in page
    assert "precision" not in verdict
    assert "Intervals" not in verdict
    assert "nan" not in verdict + card


@pytest.mark.filterwarnings("error")
def test_a_dev_split_without_labels_chooses_the_first_variant(tmp_path, monkeypatch):
    monkeypatch.setattr(made_results, "make_corpus", without_labels("dev"))
    made = make_results(tmp_path, variants=("first", "second"))
    assert made.run().evaluation.chosen_variant() == "first"
    reports_of(made)
