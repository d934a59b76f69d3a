"""Scores of one model, against scikit-learn and by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import balanced_accuracy_score, classification_report

from cberl.evaluate.bootstrap import (
    Resampled,
    bootstrap_scores,
    draw_groups,
    group_confusions,
    interval,
    list_scores,
    score_confusions,
    two_sided_p,
)
from cberl.evaluate.predictions import ModelPredictions, emotion_shifts
from cberl.evaluate.score import (
    calibrate,
    calibration_error,
    list_confusions,
    score_classes,
    score_overall,
)
from cberl.evaluate.subgroups import group_utterances, score_subgroups
from cberl.rows import NO_LABEL

CLASSES = ["neutral", "joy", "fear", "disgust"]


def predictions_of(truth, predicted=None, probabilities=None, dialogues=None):
    truth = np.asarray(truth, dtype=np.int64)
    if probabilities is None:
        probabilities = np.full((len(truth), len(CLASSES)), 0.1)
        probabilities[np.arange(len(truth)), predicted] = 0.7
    predicted = np.argmax(probabilities, axis=1) if predicted is None else np.asarray(predicted)
    dialogues = np.zeros(len(truth), int) if dialogues is None else np.asarray(dialogues)
    utterances = pd.DataFrame(
        {
            "utterance_id": [f"test/{d}/{i}" for i, d in enumerate(dialogues)],
            "dialogue_id": [f"test/{d}" for d in dialogues],
            "split_group": [f"test/{d}" for d in dialogues],
            "turn": np.arange(len(truth)),
            "speaker": np.where(np.arange(len(truth)) % 2, "Ann", "Ben"),
        }
    )
    return ModelPredictions("cberl", 0, "test", "none", utterances, truth, predicted, probabilities)


@pytest.fixture
def model():
    draw = np.random.default_rng(1)
    truth = draw.choice(3, size=200, p=[0.7, 0.2, 0.1])  # nobody is disgusted
    truth[::20] = NO_LABEL
    probabilities = draw.dirichlet(np.ones(4), size=200).astype(np.float32)
    return predictions_of(
        truth, probabilities=probabilities, dialogues=np.sort(draw.integers(0, 30, 200))
    )


def test_scores_are_those_of_scikit_learn(model):
    scores = score_classes(model, CLASSES).set_index("class")
    truth, predicted = model.truth[model.labelled], model.predicted[model.labelled]
    report = classification_report(
        truth, predicted, labels=[0, 1, 2], target_names=CLASSES[:3], output_dict=True
    )
    for name in CLASSES[:3]:
        assert scores.loc[name, "precision"] == pytest.approx(report[name]["precision"])
        assert scores.loc[name, "recall"] == pytest.approx(report[name]["recall"])
        assert scores.loc[name, "f1"] == pytest.approx(report[name]["f1-score"])
        assert scores.loc[name, "support"] == report[name]["support"]
    overall = score_overall(model, score_classes(model, CLASSES))
    assert overall["macro_f1"] == pytest.approx(report["macro avg"]["f1-score"])
    assert overall["weighted_f1"] == pytest.approx(report["weighted avg"]["f1-score"])
    assert overall["accuracy"] == pytest.approx((truth == predicted).mean())
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        assert overall["uar"] == pytest.approx(balanced_accuracy_score(truth, predicted))


def test_a_class_that_does_not_occur_has_no_scores(model):
    scores = score_classes(model, CLASSES).set_index("class").loc["disgust"]
    assert scores[["precision", "recall", "f1", "average_precision"]].isna().all()
    assert scores["support"] == 0
    assert scores["predicted"] > 0


def test_vectorised_scores_agree_with_scikit_learn(model):
    matrix = group_confusions(model, len(CLASSES)).sum(axis=0)
    vectorised = dict(zip(list_scores(CLASSES), score_confusions(matrix), strict=True))
    per_class = score_classes(model, CLASSES).set_index("class")
    overall = score_overall(model, score_classes(model, CLASSES))
    for (name, metric), value in vectorised.items():
        expected = overall[metric] if name == "(all)" else per_class.loc[name, metric]
        assert value == pytest.approx(expected, nan_ok=True), (name, metric)


def test_one_vs_rest_accuracy_and_average_precision():
    probabilities = np.eye(4)[[0, 1, 1, 2]] * 0.9 + 0.025
    scores = score_classes(predictions_of([0, 0, 1, 2], probabilities=probabilities), CLASSES)
    scores = scores.set_index("class")
    assert scores.loc["neutral", "accuracy"] == 0.75
    assert scores.loc["fear", "accuracy"] == 1
    assert scores.loc["fear", "average_precision"] == 1
    assert scores.loc["joy", "average_precision"] == 0.5


def test_no_label_at_all_gives_no_score():
    model = predictions_of([NO_LABEL, NO_LABEL], predicted=[0, 1])
    overall = score_overall(model, score_classes(model, CLASSES))
    assert overall["utterances"] == 0
    assert np.isnan(overall["macro_f1"])
    assert score_classes(model, CLASSES)["f1"].isna().all()


def test_confusion_shares_are_by_row():
    cells = list_confusions(predictions_of([0, 0, 0, 1], predicted=[0, 0, 1, 1]), CLASSES)
    cells = cells.set_index(["true", "predicted"])
    assert cells.loc[("neutral", "joy"), "count"] == 1
    assert cells.loc[("neutral", "joy"), "share"] == pytest.approx(1 / 3)
    assert cells.loc["fear"]["share"].isna().all()
    assert cells["count"].sum() == 4


def test_calibration_error_by_hand():
    # Sure at 0.7 and right in 2 of 4: the gap is 0.2.
    model = predictions_of([0, 0, 1, 1], predicted=[0, 0, 0, 0])
    bins = calibrate(model)
    filled = bins[bins["calibrated"] & (bins["utterances"] > 0)]
    assert filled["confidence"].tolist() == pytest.approx([0.7])
    assert filled["above"].item() < 0.7 <= filled["up_to"].item()
    assert calibration_error(model) == pytest.approx(0.2)


def test_calibration_error_is_that_of_another_library(model):
    # multiclass_calibration_error of torchmetrics 1.9.0, 15 bins, on the same rows
    assert calibration_error(model) == pytest.approx(0.22219543159008026, abs=1e-7)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.5])
def test_a_temperature_can_be_taken_back(temperature):
    logits = np.random.default_rng(2).normal(size=(50, len(CLASSES))) * 4
    logits[:, 1] = -np.inf
    before, after = softmax(logits, axis=1), softmax(logits / temperature, axis=1)
    model = replace(predictions_of(np.zeros(50), probabilities=after), temperature=temperature)
    assert np.abs(model.uncalibrated - before).max() < 1e-5
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()


def test_scores_show_calibration_before_and_after_the_temperature(model):
    cooled = replace(model, temperature=3.0)
    scores = score_overall(cooled, score_classes(cooled, CLASSES))
    assert scores["calibration_error"] == calibration_error(cooled)
    assert scores["uncalibrated_error"] == calibration_error(cooled, calibrated=False)
    assert scores["calibration_error"] != scores["uncalibrated_error"]
    assert (cooled.uncalibrated.argmax(axis=1) == cooled.probabilities.argmax(axis=1)).all()


def test_resamples_draw_whole_dialogues():
    weights = draw_groups(30, resamples=50)
    assert weights.shape == (50, 30)
    assert (weights.sum(axis=1) == 30).all()
    assert np.array_equal(weights, draw_groups(30, 50))


def test_resampled_scores_equal_scores_of_repeated_utterances(model):
    weights = draw_groups(len(group_confusions(model, 4)), resamples=3)[2]
    confusions = group_confusions(model, 4)
    fast = score_confusions(np.tensordot(weights, confusions, axes=1))
    labelled = model.labelled
    numbers = np.unique(model.utterances["dialogue_id"][labelled], return_inverse=True)[1]
    times = weights.astype(int)[numbers]
    slow = predictions_of(
        np.repeat(model.truth[labelled], times), np.repeat(model.predicted[labelled], times)
    )
    expected = score_overall(slow, score_classes(slow, CLASSES))
    assert fast[-4] == pytest.approx(expected["weighted_f1"])
    assert fast[-3] == pytest.approx(expected["macro_f1"])


def test_interval_leaves_undefined_resamples_out():
    resampled = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    lower, upper = interval(Resampled(np.zeros(2), resampled, groups=100_000), confidence=0.5)
    assert (lower[0], upper[0]) == pytest.approx((1.5, 2.5), abs=1e-4)
    assert np.isnan(lower[1])
    assert np.isnan(upper[1])


def test_p_value_is_small_only_where_differences_agree():
    draw = np.random.default_rng(0)
    differences = np.stack([draw.normal(5, 1, 999), draw.normal(0, 1, 999)], axis=1)
    clear, unclear = two_sided_p(Resampled(np.zeros(2), differences, groups=100_000))
    assert clear == pytest.approx(0.002, abs=1e-4)
    assert unclear > 0.5


def drawn_from(groups, resamples=20_000, between=1.0):
    """Resampled means of groups whose own means are drawn from N(0, between)."""
    means = np.random.default_rng(groups).normal(0, between, groups)
    resampled = draw_groups(groups, resamples) @ means / groups
    return means, Resampled(np.array([means.mean()]), resampled[:, None], groups)


def test_intervals_of_few_groups_reach_to_the_worst_and_the_best():
    means, drawn = drawn_from(4)
    lower, upper = interval(drawn, 0.95)
    assert (lower[0], upper[0]) == pytest.approx((means.min(), means.max()))
    plain = np.quantile(drawn.resampled, [0.025, 0.975])
    assert upper[0] - lower[0] > plain[1] - plain[0]


def test_intervals_of_many_groups_are_plain_percentiles():
    _, drawn = drawn_from(300)
    plain = np.quantile(drawn.resampled, [0.025, 0.975])
    ends = np.concatenate(interval(drawn, 0.95))
    assert ends == pytest.approx(plain, abs=0.03 * (plain[1] - plain[0]))


def test_intervals_and_p_values_agree():
    for groups in (4, 8, 40):
        _, drawn = drawn_from(groups)
        for shift in np.linspace(-2, 2, 81):
            moved = Resampled(drawn.scores + shift, drawn.resampled + shift, groups)
            lower, upper = interval(moved, 0.95)
            p_value = two_sided_p(moved)[0]
            if abs(p_value - 0.05) > 0.01:
                assert (lower[0] > 0 or upper[0] < 0) == (p_value < 0.05), (groups, shift)


@pytest.mark.parametrize("groups", [8, 12, 300])
def test_the_interval_of_confidence_one_minus_p_ends_at_zero(groups):
    _, drawn = drawn_from(groups)
    resampled = drawn.resampled - np.quantile(drawn.resampled, 0.2)
    moved = replace(drawn, resampled=resampled)
    lower, _ = interval(moved, 1 - two_sided_p(moved)[0])
    assert lower[0] == pytest.approx(0, abs=0.01 * resampled.std())


def test_one_group_has_neither_interval_nor_p_value():
    drawn = Resampled(np.array([0.5]), np.full((50, 1), 0.5), groups=1)
    assert np.isnan(interval(drawn, 0.95)).all()
    assert np.isnan(two_sided_p(drawn)).all()


def test_utterances_of_a_group_are_drawn_together():
    model = predictions_of([0] * 40, predicted=[0] * 20 + [1] * 20, dialogues=np.arange(40))
    by_dialogue = bootstrap_scores([model], 4, 500)
    speakers = np.repeat(["Ann", "Ben", "Cid", "Dee"], 10)
    grouped = replace(model, utterances=model.utterances.assign(split_group=speakers))
    by_speaker = bootstrap_scores([grouped], 4, 500)
    assert (by_dialogue.groups, by_speaker.groups) == (40, 4)
    widths = [np.ptp(interval(drawn, 0.95), axis=0)[-1] for drawn in (by_dialogue, by_speaker)]
    assert widths[1] > 2 * widths[0]


def test_emotion_shift_looks_at_the_speakers_own_last_label():
    model = predictions_of([0, 1, 0, 2, NO_LABEL, 2, 3], predicted=[0] * 7)
    # Ben speaks the even turns: 0, 0, no label, 3; Ann the odd ones: 1, 2, 2.
    shifts = emotion_shifts(model.utterances, model.truth)
    assert shifts.to_numpy(object, na_value=None).tolist() == [
        None,
        None,
        False,
        True,
        None,
        False,
        True,
    ]


def test_subgroups_cover_every_labelled_utterance_once(model):
    ids = model.utterances["utterance_id"]
    quality = pd.DataFrame(
        {
            "utterance_id": [*ids, *ids],
            "modality": ["text"] * 200 + ["audio"] * 200,
            "available": [True] * 200 + [True, False] * 100,
        }
    )
    groupings = group_utterances(model.utterances, model.truth, ["Ann"], quality)
    groups = score_subgroups(model, groupings, len(CLASSES))
    totals = groups.groupby("grouping")["utterances"].sum()
    assert set(totals.index) == {"emotion_shift", "dialogue_length", "speaker", "modalities"}
    assert (totals == model.labelled.sum()).all()
    assert {"text", "text + audio"} == set(groups[groups["grouping"] == "modalities"]["group"])
    seen = groups.set_index("group").loc["seen in training"]
    members = model.labelled & (model.utterances["speaker"] == "Ann").to_numpy()
    right = (model.predicted == model.truth)[members].mean()
    assert seen["accuracy"] == pytest.approx(right)
