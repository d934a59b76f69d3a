from dataclasses import replace

import numpy as np
import pytest
import torch
from interrupted import assert_resumes
from made_conversations import make_conversations
from torch.nn import functional

from cberl.errors import InputError
from cberl.fitting.dev_f1 import f1_scores
from cberl.fitting.network_files import load_network, save_network
from cberl.train.adjustment import USUAL_STRENGTH
from cberl.train.fit import ClassifierTraining, fit_classifier
from cberl.train.loss import LOSSES
from cberl.train.network import ConversationNetwork
from cberl.train.predict import predict_classes
from cberl.train.sampling import SAMPLINGS, class_table, dialogue_weights

NAMES = ["a", "b", "c"]


@pytest.fixture
def fit(settings):
    """fit(train, dev, seed, ...) -> network and history; other names are settings."""
    variant = ("loss", "dialogue_sampling", "mask_weight", "adjustment", "synthetic_rows")

    def run(train, dev, seed=0, checkpoint=None, **changes):
        own = {
            "mask_weight": 0.5,
            **{name: changes.pop(name) for name in variant if name in changes},
        }
        return fit_classifier(
            train,
            dev,
            replace(settings, **changes),
            **own,
            seed=seed,
            device="cpu",
            checkpoint=checkpoint,
        )

    return run


def macro_f1(network, dev):
    _, probabilities = predict_classes(network, dev, NAMES)
    known = dev.labelled
    predicted = torch.from_numpy(probabilities.argmax(axis=1))
    return f1_scores(dev.labels[known], predicted[known], 3)[0]


def best_macro_f1(history):
    rows = (history["split"] == "dev") & (history["quantity"] == "macro_f1")
    return history.loc[rows, "value"].max()


def test_the_last_step_raises_what_dev_has_too_little_of(fit):
    generator = np.random.default_rng(0)
    rare = generator.choice(3, size=144, p=[0.8, 0.15, 0.05])
    train, dev = make_conversations(labels=rare, noise=3.0), make_conversations(seed=1, noise=3.0)
    plain, _ = fit(train, dev)
    adjusted, _ = fit(train, dev, adjustment="chosen")
    assert torch.equal(plain.classifier.weight, adjusted.classifier.weight)
    assert not plain.correction.any()
    assert plain.temperature != 1
    frequencies = torch.bincount(train.labels).float() / len(train)
    ratio = adjusted.correction / -frequencies.log()
    torch.testing.assert_close(ratio, ratio[:1].expand(3))
    assert 0 < ratio[0] <= 1
    scores = [macro_f1(network, dev) for network in (plain, adjusted)]
    assert scores[0] < scores[1]


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_all_classes(fit, loss):
    train, dev = make_conversations(), make_conversations((5,) * 10, seed=1)
    network, history = fit(train, dev, loss=loss, dialogue_sampling="class_aware")
    assert best_macro_f1(history) > 0.85
    assert macro_f1(network, dev) == pytest.approx(best_macro_f1(history))


def test_history_tells_the_parts_of_the_loss_and_the_scores(fit):
    train, dev = make_conversations(), make_conversations(seed=1)
    _, history = fit(train, dev, epochs=2)
    told = {split: set(rows["quantity"]) for split, rows in history.groupby("split")}
    assert told == {
        "train": {"loss", "classification", "reconstruction"},
        "dev": {"macro_f1", "weighted_f1", "loss"},
    }
    values = history[history["split"] == "train"].set_index(["epoch", "quantity"])["value"]
    assert values[1, "loss"] == pytest.approx(
        values[1, "classification"] + 0.5 * values[1, "reconstruction"], rel=1e-5
    )


def test_without_the_mask_task_nothing_is_reconstructed(fit):
    train, dev = make_conversations(), make_conversations(seed=1)
    network, history = fit(train, dev, mask_weight=0.0, epochs=2, weight_decay=0.0)
    assert "reconstruction" not in set(history["quantity"])
    assert not network.mask_token.any()  # as it was set at the start


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(fit):
    train, dev = make_conversations(), make_conversations(seed=1)
    one, again, other = (
        fit(train, dev, seed, epochs=2, loss="ldam", dialogue_sampling="class_aware")
        for seed in (0, 0, 1)
    )
    for name, value in one[0].state_dict().items():
        assert torch.equal(value, again[0].state_dict()[name])
    assert one[1].equals(again[1])
    assert not torch.equal(one[0].classifier.weight, other[0].classifier.weight)


def test_training_stops_when_dev_no_longer_improves(fit):
    train, dev = make_conversations(noise=4.0), make_conversations(seed=1, noise=4.0)
    _, history = fit(train, dev, seed=1, epochs=100, patience=4)
    scores = history[history["quantity"] == "macro_f1"]["value"]
    means = scores.rolling(5).mean().fillna(0).to_numpy()  # of an epoch and the four before it
    assert len(means) == means.argmax() + 1 + 4 < 100
    assert means.argmax() != scores.to_numpy().argmax()


def test_ldam_weighs_anew_once_dev_no_longer_improves(fit):
    train, dev = make_conversations(noise=4.0), make_conversations(seed=1, noise=4.0)
    _, history = fit(train, dev, epochs=100, patience=4, loss="ldam")
    scores = history[history["quantity"] == "macro_f1"]["value"]
    scores = scores.rolling(5).mean().fillna(0).to_numpy()  # of an epoch and the four before it
    best = scores.argmax()
    # Patience ends twice: before the second part, and for good.
    first = next(
        e for e in range(8, len(scores)) if scores[: e - 3].max() >= scores[e - 3 : e + 1].max()
    )
    assert len(scores) == max(best, first) + 1 + 4 < 100
    assert len(scores) > first + 1


def test_predictions_survive_writing_and_reading(fit, tmp_path):
    train, dev = make_conversations(), make_conversations(seed=1)
    network, _ = fit(train, dev, epochs=2, loss="ldam")
    path = tmp_path / "model.safetensors"
    save_network(path, "network", network, {}, {"classes": NAMES})
    again, facts = load_network(path, "network", ConversationNetwork)
    frame, probabilities = predict_classes(again, dev, facts["classes"])
    expected_frame, expected = predict_classes(network, dev, NAMES)
    np.testing.assert_array_equal(probabilities, expected)
    assert frame.equals(expected_frame)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert list(frame["predicted"]) == [NAMES[number] for number in probabilities.argmax(axis=1)]
    assert list(frame["utterance_id"]) == list(dev.ids)


def test_an_online_model_predicts_a_turn_before_the_next_is_spoken(fit):
    train, dev = (make_conversations(seed=seed, future=0) for seed in (0, 1))
    network, _ = fit(train, dev, epochs=1)
    _, before = predict_classes(network, dev, NAMES)
    dev.inputs[5] += 3  # the last turn of the first dialogue
    _, after = predict_classes(network, dev, NAMES)
    np.testing.assert_allclose(after[:5], before[:5], atol=1e-6)
    assert not np.allclose(after[5], before[5])


@pytest.mark.parametrize("loss", LOSSES)
def test_a_class_without_training_rows_is_never_predicted(fit, loss, caplog):
    labels = np.random.default_rng(0).integers(2, size=144)
    train, dev = make_conversations(labels=labels), make_conversations(seed=1)
    network, history = fit(train, dev, epochs=3, loss=loss)
    assert np.isfinite(history["value"]).all()
    assert "c has no training row" in caplog.text
    frame, probabilities = predict_classes(network, dev, NAMES)
    assert (probabilities[:, 2] == 0).all()
    assert "c" not in set(frame["predicted"])


@pytest.mark.parametrize("loss", LOSSES)
def test_a_class_with_a_single_training_row_trains(fit, loss):
    labels = np.random.default_rng(0).integers(2, size=144)
    labels[77] = 2
    train, dev = make_conversations(labels=labels), make_conversations(seed=1)
    network, history = fit(train, dev, epochs=2, loss=loss, dialogue_sampling="class_aware")
    assert np.isfinite(history["value"]).all()
    assert (predict_classes(network, dev, NAMES)[1][:, 2] > 0).all()


def test_a_class_absent_from_dev_does_not_count_there(fit):
    labels = np.random.default_rng(0).integers(2, size=144)
    train, dev = make_conversations(), make_conversations(seed=1, labels=labels)
    _, history = fit(train, dev)
    assert best_macro_f1(history) > 0.9


def test_dialogues_of_one_and_of_two_thousand_turns_train_together(fit):
    lengths = (1, 2000, 1, 3)
    train, dev = make_conversations(lengths), make_conversations((1, 1, 4), seed=1)
    network, history = fit(train, dev, epochs=1)
    assert np.isfinite(history["value"]).all()
    assert predict_classes(network, train, NAMES)[1].shape == (2005, 3)


def test_dialogues_of_one_turn_only_train_with_the_mask_task(fit):
    train, dev = make_conversations((1,) * 40), make_conversations((1,) * 20, seed=1)
    _, history = fit(train, dev, epochs=2)
    assert (history.loc[history["quantity"] == "reconstruction", "value"] == 0).all()


def test_utterances_without_label_are_context_only(fit):
    train, dev = make_conversations(), make_conversations(seed=1)
    train.labels[:60] = -1
    dev.labels[::2] = -1
    network, history = fit(train, dev, epochs=2)
    assert np.isfinite(history["value"]).all()
    assert len(predict_classes(network, dev, NAMES)[0]) == len(dev)


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_split_without_any_label_is_refused(fit, split):
    splits = {"train": make_conversations(), "dev": make_conversations(seed=1)}
    splits[split].labels[:] = -1
    with pytest.raises(InputError, match=f"split {split} has no labelled utterance"):
        fit(splits["train"], splits["dev"])


def test_a_run_that_diverges_is_ended_with_the_setting_to_change(fit):
    train, dev = make_conversations(), make_conversations(seed=1)
    with pytest.raises(InputError, match=r"train: .* not finite in epoch \d+; .*learning_rate"):
        fit(train, dev, learning_rate=1e30)


@pytest.mark.parametrize("name", ["loss", "dialogue_sampling", "adjustment", "synthetic_rows"])
def test_an_unknown_name_is_refused_with_those_there_are(fit, name):
    train, dev = make_conversations(), make_conversations(seed=1)
    known = {"loss": "cross_entropy, .*focal", "dialogue_sampling": "uniform, class_aware"}
    known |= {"adjustment": "none, chosen", "synthetic_rows": "all, chosen"}
    with pytest.raises(InputError, match=f"{name} is 'other'; expected one of {known[name]}"):
        fit(train, dev, **{name: "other"})


def with_evidence(conversations, noise=0.7):
    """The same conversations, with log-probabilities of an encoder behind their inputs."""
    generator = np.random.default_rng(len(conversations))
    logits = noise * torch.tensor(generator.normal(size=(len(conversations), 3)))
    logits[torch.arange(len(conversations)), conversations.labels] += 2
    known = logits.log_softmax(dim=1).float()
    mean, scale = torch.tensor([-1.0, -2.0, -3.0]), torch.tensor([1.0, 2.0, 0.5])
    inputs = torch.cat([conversations.inputs, (known - mean) / scale], dim=1)
    facts = {"first": 6, "mean": mean.tolist(), "scale": scale.tolist()}
    return replace(conversations, inputs=inputs, evidence=facts), known


@pytest.mark.parametrize("mask_weight", [0.0, 0.5])
def test_a_network_that_learns_nothing_says_what_its_encoders_say(fit, mask_weight):
    train, _ = with_evidence(make_conversations())
    dev, known = with_evidence(make_conversations(seed=1))
    network, history = fit(train, dev, epochs=1, learning_rate=1e-12, mask_weight=mask_weight)
    _, probabilities = predict_classes(network, dev, NAMES)
    tempered = (known / network.temperature).softmax(dim=1)
    np.testing.assert_allclose(probabilities, tempered, atol=1e-5)
    assert history["epoch"].min() == 0


def test_a_network_never_loses_to_its_encoders_on_dev(fit):
    train, _ = with_evidence(make_conversations(noise=30.0))
    dev, known = with_evidence(make_conversations(seed=1, noise=30.0))
    network, _ = fit(train, dev, learning_rate=0.1)
    _, probabilities = predict_classes(network, dev, NAMES)
    losses = [
        functional.nll_loss(log, dev.labels) for log in (torch.tensor(probabilities).log(), known)
    ]
    assert losses[0] <= losses[1] + 1e-6


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_can_start_from_what_encoders_know(fit, loss, tmp_path):
    train, dev = (with_evidence(make_conversations(seed=seed))[0] for seed in (0, 1))
    network, history = fit(train, dev, loss=loss, adjustment="chosen")
    assert best_macro_f1(history) > 0.85
    usual = network.facts["adjustment"]["usual_strength"]
    assert usual == (USUAL_STRENGTH if loss == "cross_entropy" else 0)
    save_network(tmp_path / "model.safetensors", "network", network, {})
    again, _ = load_network(tmp_path / "model.safetensors", "network", ConversationNetwork)
    expected = predict_classes(network, dev, NAMES)[1]
    np.testing.assert_array_equal(predict_classes(again, dev, NAMES)[1], expected)


def with_synthetic(conversations, labels):
    """The first 16 dialogues recorded, the others synthetic with these labels."""
    conversations.is_synthetic[96:] = True
    conversations.labels[96:] = labels
    return conversations


def test_synthetic_rows_that_mislead_are_not_used(fit, caplog):
    caplog.set_level("INFO")
    train, dev = make_conversations(noise=0.5), make_conversations(seed=1, noise=0.5)
    recorded, _ = fit(train.select_dialogues(torch.arange(16)), dev)
    train = with_synthetic(train, torch.tensor(np.random.default_rng(0).integers(3, size=48)))
    chosen, _ = fit(train, dev, synthetic_rows="chosen")
    assert torch.equal(chosen.classifier.weight, recorded.classifier.weight)
    assert chosen.facts["synthetic_rows"]["used"] is False
    assert "none is used" in caplog.text


def test_synthetic_rows_that_help_are_used(fit):
    train, dev = make_conversations(), make_conversations(seed=1)
    truth = train.labels[96:].clone()
    train.labels[:96] = torch.randint(3, (96,), generator=torch.Generator().manual_seed(0))
    train = with_synthetic(train, truth)
    every, _ = fit(train, dev)
    chosen, _ = fit(train, dev, synthetic_rows="chosen")
    assert torch.equal(chosen.classifier.weight, every.classifier.weight)
    facts = chosen.facts["synthetic_rows"]
    assert facts["used"]
    assert facts["gain"] > facts["gain_error"] > 0


@pytest.mark.parametrize(("gain", "used"), [(0.01, False), (0.03, True)])
def test_synthetic_rows_are_used_for_more_than_a_standard_error(fit, monkeypatch, gain, used):
    monkeypatch.setattr(ClassifierTraining, "gain_over", lambda *_: (gain, 0.02))
    train = make_conversations()
    train = with_synthetic(train, train.labels[96:].clone())
    network, _ = fit(train, make_conversations(seed=1), synthetic_rows="chosen", epochs=1)
    assert network.facts["synthetic_rows"] == {"used": used, "gain": gain, "gain_error": 0.02}


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_losses_are_told_rows_as_drawn_and_recorded_ones(fit, monkeypatch, sampling):
    told = []

    def loss(logits, labels, counts):
        told.append(counts)
        return functional.cross_entropy(logits, labels)

    monkeypatch.setitem(LOSSES, "focal", loss)
    train = make_conversations()
    train = with_synthetic(train, train.labels[96:].clone())
    fit(train, make_conversations(seed=1), loss="focal", dialogue_sampling=sampling, epochs=1)
    drawn = dialogue_weights(train, 3, sampling) @ class_table(train, 3)
    torch.testing.assert_close(told[0].drawn, drawn)
    assert told[0].real.tolist() == torch.bincount(train.labels[:96], minlength=3).tolist()


@pytest.mark.parametrize("synthetic_rows", ["all", "chosen"])
def test_a_killed_training_ends_in_the_same_bytes(
    fit, tmp_path, monkeypatch, caplog, synthetic_rows
):
    train, dev = make_conversations(), make_conversations(seed=1)
    train = with_synthetic(train, train.labels[96:].clone())
    changes = {"epochs": 6, "synthetic_rows": synthetic_rows, "adjustment": "chosen"}

    def run(checkpoint):
        return fit(train, dev, checkpoint=checkpoint, **changes)

    assert_resumes(run, tmp_path, monkeypatch, caplog, epoch=3)


@pytest.mark.parametrize(
    ("changes", "rows"), [({}, 288), ({"loss": "focal"}, 144), ({"synthetic_rows": "all"}, 144)]
)
def test_out_of_fold_rows_help_to_choose_the_last_step(fit, changes, rows):
    train, dev = (with_evidence(make_conversations(seed=seed))[0] for seed in (0, 1))
    if "synthetic_rows" in changes:
        train = with_synthetic(train, train.labels[96:].clone())
    network, _ = fit(train, dev, adjustment="chosen", epochs=1, **changes)
    assert network.facts["adjustment"]["rows"] == rows
