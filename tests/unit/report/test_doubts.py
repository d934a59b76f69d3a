"""The doubts that a report shows."""

from dataclasses import replace

import pytest
from made_results import make_results

from cberl.report.doubts import doubts_of_dev, write_doubts
from cberl.report.run import Place


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("made"), dialogues=20).run()


def test_doubts_say_what_is_untrained_collapsed_and_rare(run):
    doubts = " ".join(write_doubts(run, ["cberl"]))
    assert "The video network is untrained" in doubts
    assert "gan have collapsed for fear" in doubts
    assert f"fear ({run.evaluation.support()['fear']})" in doubts
    assert "2 seeds cannot show" in doubts


def with_dev_accuracy(run, accuracy):
    """The same evaluation with other mean accuracies on dev: variant -> share."""
    summary = run.evaluation.frames["summary"].copy()
    rows = (summary["split"] == "dev") & (summary["metric"] == "accuracy")
    summary.loc[rows, "mean"] = summary.loc[rows, "variant"].map(accuracy)
    return replace(run.evaluation, frames=run.evaluation.frames | {"summary": summary})


def test_dev_that_every_variant_gets_right_cannot_choose(run):
    evaluation = with_dev_accuracy(run, {"baseline": 0.99, "cberl": 0.985})
    (doubt,) = doubts_of_dev(evaluation)
    assert doubt.startswith("Dev cannot choose: 98.5 % accuracy and more for every variant.")
    assert "fitted to labels that dev shares with train" in doubt


def test_variants_within_one_row_of_dev_cannot_be_told_apart(run):
    rows = run.evaluation.labelled("dev")
    (doubt,) = doubts_of_dev(with_dev_accuracy(run, {"baseline": 0.7, "cberl": 0.7 + 0.5 / rows}))
    assert "differ by less than one dev utterance" in doubt
    assert not doubts_of_dev(with_dev_accuracy(run, {"baseline": 0.7, "cberl": 0.7 + 1.5 / rows}))


def test_speakers_that_train_knows_are_counted(run):
    test = run.utterances[run.utterances["split"] == "test"]
    train = run.utterances[run.utterances["split"] == "train"]
    known = len(set(test["speaker"]) & set(train["speaker"]))
    total = test["speaker"].nunique()
    assert f"{known} of {total} test speakers also speak in train" in " ".join(
        write_doubts(run, ["cberl"])
    )
    strangers = run.utterances.assign(speaker=run.utterances["utterance_id"])
    assert "also speak in train" not in " ".join(
        write_doubts(replace(run, utterances=strangers), ["cberl"])
    )


def test_few_speakers_behind_an_interval_are_a_doubt(run):
    def doubts(groups):
        evaluation = replace(run.evaluation, split_by="speaker", groups=groups)
        return " ".join(write_doubts(replace(run, evaluation=evaluation), []))

    assert "The test split has 4 speakers: intervals resampled from so few are wide" in doubts(4)
    assert "The test split is one speaker" in doubts(1)
    assert "ntervals" not in doubts(40).replace("read their intervals", "")


def test_settings_without_effect_are_named(run):
    alone = run.utterances.assign(turn=0)
    text = {"text": run.encoders["text"]}
    doubts = " ".join(write_doubts(replace(run, utterances=alone, encoders=text), ["cberl"]))
    assert "mask_weight has no effect" in doubts
    assert "The VAE has nothing to join: text is the only modality." in doubts
    assert "has no effect" not in " ".join(write_doubts(run, ["cberl"]))


@pytest.mark.parametrize(("weight", "named"), [(0.5, True), (1, False), (0, False)])
def test_a_weight_of_labels_beside_log_probabilities_has_no_effect(run, weight, named):
    tuned = {"text": run.encoders["text"] | {"log_probabilities": ["joy", "fear"]}}
    config = run.config | {"fuse": {"vae": {"class_weight": weight}}}

    def doubts(encoders):
        return " ".join(write_doubts(replace(run, config=config, encoders=encoders), ["cberl"]))

    assert ("fuse.vae.class_weight has no effect" in doubts(run.encoders | tuned)) is named
    assert "class_weight" not in doubts(run.encoders)
    assert "class_weight" not in " ".join(
        write_doubts(replace(run, config=config, encoders=run.encoders | tuned), [])
    )


def test_re_weighting_that_was_never_reached_is_named(run):
    assert "re-weighting" not in " ".join(write_doubts(run, ["cberl"]))
    patient = run.config | {"train": {"patience": 5}}
    doubts = " ".join(write_doubts(replace(run, config=patient), ["cberl"]))
    assert "cberl never reached the re-weighting of LDAM" in doubts


def with_accuracies(run, dev, test):
    """The same evaluation with other accuracies: mean and half the width of the interval."""
    summary = run.evaluation.frames["summary"].copy()
    for split, (mean, half) in {"dev": dev, "test": test}.items():
        rows = (summary["split"] == split) & (summary["metric"] == "accuracy")
        rows &= summary["removed"] == "none"
        shift = 0.03 * (summary.loc[rows, "variant"] == "cberl")
        summary.loc[rows, "mean"] = mean + shift
        summary.loc[rows, "lower"], summary.loc[rows, "upper"] = mean - half, mean + half
    return replace(run.evaluation, frames=run.evaluation.frames | {"summary": summary})


def test_dev_far_above_test_cannot_choose(run):
    (doubt,) = doubts_of_dev(with_accuracies(run, (0.95, 0.02), (0.75, 0.03)))
    assert doubt.startswith("Dev cannot choose: every variant is 20.0 points and more above test")
    assert not doubts_of_dev(with_accuracies(run, (0.95, 0.15), (0.75, 0.15)))
    assert not doubts_of_dev(with_accuracies(run, (0.7, 0.02), (0.65, 0.02)))


def test_features_that_were_fitted_to_train_are_doubted(run):
    def doubts(fitted):
        probe = {"train_folds": 0.98, "dev": 0.76, "fitted": fitted}
        encoders = run.encoders | {"text": run.encoders["text"] | {"probe": probe}}
        return " ".join(write_doubts(replace(run, encoders=encoders), ["cberl"]))

    assert "The text features seem fitted to the labels of train" in doubts(True)
    assert "98.0 % of held-out training rows, and in 76.0 % of dev" in doubts(True)
    assert "fitted to the labels of train" not in doubts(False)


def test_what_dev_could_not_tell_from_chance_is_said(run):
    unused = {"synthetic_rows": {"used": False}, "adjustment": CHOSEN | {"strength": 0.3}}
    choices = {
        Place("train", "cberl", 0): unused,
        Place("train", "cberl", 1): {"adjustment": CHOSEN},
    }
    doubts = " ".join(write_doubts(replace(run, choices=choices), ["baseline", "cberl"]))
    assert "cberl trains on no synthetic row under 1 of 2 seeds" in doubts
    assert "cberl is adjusted by the usual 0.3 under 1 of 2 seeds" in doubts
    assert "baseline trains" not in doubts
    doubts = " ".join(write_doubts(run, ["baseline", "cberl"]))
    assert "no synthetic row" not in doubts


CHOSEN = {"strength": 0.4, "best_strength": 0.5, "usual_strength": 0.3}
