"""The table printed at the end of a run."""

import pytest
from made_results import CLASSES, make_results

from cberl.report.findings import read_evaluation
from cberl.report.formatting import counted, difference_words, listed, percent, points, spread
from cberl.report.verdict import write_verdict


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    made = make_results(tmp_path_factory.mktemp("made"), variants=("baseline", "focal", "cberl"))
    return read_evaluation(made.evaluation_paths())


def test_verdict_fits_a_terminal_and_ends_with_the_page(evaluation):
    lines = write_verdict(evaluation, "results/made/report/index.html").splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[-1] == "Report: results/made/report/index.html"
    assert lines[2] == "Intervals resample 6 dialogues of the test split."


def test_escape_sequences_of_a_class_reach_no_terminal(tmp_path):
    made = make_results(tmp_path, shares={"ne\x1b[31mutral": 0.6, "joy": 0.4})
    text = write_verdict(read_evaluation(made.evaluation_paths()), "page")
    assert "\x1b" not in text
    assert r"ne\x1b[31mutral" in text


def test_verdict_shows_every_class_of_every_variant_with_its_support(evaluation):
    text = write_verdict(evaluation, "page")
    for name in CLASSES:
        rows = [line.split() for line in text.splitlines() if line.startswith(name)]
        assert len(rows) == 2  # two variants side by side, the third below
        assert all(int(row[1]) == evaluation.support()[name] for row in rows)
    f1 = spread(evaluation.score("cberl", "f1", "fear"))
    assert f1 in text
    assert "cberl against baseline" in text


def test_names_of_classes_stand_in_full_and_in_line(tmp_path):
    names = ["pleasantly surprised", "pleasantly amused", "愤怒", "calm"]
    shares = dict.fromkeys(names, 0.25)
    made = make_results(tmp_path, shares=shares)
    text = write_verdict(read_evaluation(made.evaluation_paths()), "page")
    for name in names:
        rows = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        assert len(rows) == 2  # one variant below the other, as both do not fit beside the names
    wide = next(line for line in text.splitlines() if line.startswith("愤怒"))
    plain = next(line for line in text.splitlines() if line.startswith("calm"))
    assert len(wide) == len(plain) - 2


def test_the_choice_is_made_on_dev(evaluation):
    dev = {
        name: evaluation.score(name, "macro_f1", split="dev")["mean"]
        for name in evaluation.variants
    }
    assert dev[evaluation.chosen_variant()] == max(dev.values())


def test_words():
    assert percent(0.5) == "50.0"
    assert percent(float("nan")) == "–"
    assert spread({"mean": 0.5, "std": float("nan")}) == "50.0"
    assert points(-0.031) == "−3.1"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert counted(1, "seed") == "1 seed"
    assert counted(2610, "utterance") == "2,610 utterances"
    clear = difference_words({"difference": 0.05, "lower": 0.01, "upper": 0.09}, 0.95)
    assert clear.startswith("+5.0 points (95 % interval +1.0 to +9.0): clearly better")
    unclear = difference_words({"difference": 0.05, "lower": -0.01, "upper": 0.09}, 0.95)
    assert "too close to call" in unclear
