"""cberl from Python: scikit-learn's and imbalanced-learn's contracts, and a conversation's way."""

import random

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import parametrize_with_checks as sampler_checks
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch.nn import functional

from cberl.api import ConversationClassifier, JointVAE, LabelledRows, MultimodalGAN, make_rows
from cberl.errors import InputError
from cberl.oversample.resample import SAMPLERS, resample
from cberl.rows import NO_LABEL
from cberl.train.loss import LOSSES

SMALL_GAN = {"epochs": 2, "latent_size": 4, "hidden_size": 8, "random_state": 0}
SMALL_VAE = {"epochs": 3, "latent_size": 2, "hidden_size": 8, "random_state": 0}
NOT_OURS = {
    "check_samplers_pandas_sparse": "sparse input is refused; features are dense",
}
"""Checks of imbalanced-learn that do not apply, and why. All of scikit-learn's do."""


@parametrize_with_checks([MultimodalGAN(**SMALL_GAN), JointVAE(**SMALL_VAE)])
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@sampler_checks([MultimodalGAN(**SMALL_GAN)], expected_failed_checks=lambda _: NOT_OURS)
def test_imbalanced_learns_contract(estimator, check):
    check(estimator)


@pytest.fixture
def table():
    """Conversations of 40 dialogues with 5 turns each; the first 30 are training dialogues."""
    turns = [(dialogue, turn) for dialogue in range(40) for turn in range(5)]
    return pd.DataFrame(
        {
            "utterance_id": [f"d{dialogue}/u{turn}" for dialogue, turn in turns],
            "dialogue_id": [f"d{dialogue}" for dialogue, _ in turns],
            "turn": [turn for _, turn in turns],
            "speaker": ["AB"[turn % 2] for _, turn in turns],
        }
    )


@pytest.fixture
def splits(table):
    """Training and dev rows of two modalities; a tenth of the text is absent."""
    draw = np.random.default_rng(0)
    labels = draw.choice(["calm", "fear", "joy"], len(table), p=[0.7, 0.1, 0.2])
    numbers = np.unique(labels, return_inverse=True)[1]
    text = draw.normal(size=(len(table), 6)) + 2 * np.eye(6)[numbers]
    text[draw.random(len(table)) < 0.1] = np.nan
    audio = draw.normal(size=(len(table), 4)) + np.eye(4)[numbers]
    rows = make_rows({"audio": audio, "text": text}, labels, table["utterance_id"])
    is_train = np.arange(len(table)) < 150
    return rows.take(is_train), rows.take(~is_train)


def test_from_rows_to_predictions(table, splits):
    train, dev = splits
    resampled = MultimodalGAN(target="sqrt", **SMALL_GAN).fit_resample(train)
    assert (resampled.labels == 1).sum() > (train.labels == 1).sum()
    vae = JointVAE(**SMALL_VAE).fit(train, dev)
    model = ConversationClassifier(loss="ldam", epochs=5, random_state=0)
    model.fit(vae.transform(train), table, vae.transform(dev))
    latents = vae.transform(dev)
    probabilities = model.predict_proba(latents, table)
    assert probabilities.shape == (len(dev), 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    predicted = model.predict(latents, table)
    assert (predicted == model.classes_[probabilities.argmax(axis=1)]).all()
    assert 0 <= model.score(latents, table) <= 1


def test_predictions_follow_the_order_of_the_rows(table, splits):
    train, dev = splits
    model = ConversationClassifier(epochs=2, random_state=0).fit(train, table, dev)
    order = np.random.default_rng(0).permutation(len(dev))
    straight, mixed = (model.predict_proba(one, table) for one in (dev, dev.take(order)))
    np.testing.assert_allclose(straight[order], mixed, rtol=1e-5)


def test_the_same_seed_gives_the_same_model(splits):
    train, dev = splits
    first, second = (JointVAE(**SMALL_VAE).fit(train, dev).transform(dev) for _ in range(2))
    np.testing.assert_array_equal(first.values["latent"], second.values["latent"])


def test_a_row_without_any_modality_has_a_latent_and_is_marked(splits):
    train, dev = splits
    vae = JointVAE(**SMALL_VAE).fit(train, dev)
    empty = dev.without("text").without("audio")
    latents = vae.transform(empty)
    assert not latents.available["latent"].any()
    assert not latents.values["latent"].any()


def state():
    return (
        random.getstate()[1][:5],
        np.random.get_state()[1][:5].tolist(),
        torch.random.get_rng_state().tolist(),
        torch.get_num_threads(),
        torch.get_deterministic_debug_mode(),
    )


def test_the_callers_random_state_threads_and_flags_stay(table, splits):
    train, dev = splits
    before = state()
    gan = MultimodalGAN(**SMALL_GAN).fit(train)
    gan.sample(["fear"])
    latents = JointVAE(**SMALL_VAE).fit(train, dev).transform(dev)
    ConversationClassifier(epochs=1).fit(latents, table, latents).predict(latents, table)
    assert state() == before


def test_it_stands_in_for_smote_in_a_pipeline(splits):
    train, _ = splits
    values = train.values["audio"].astype(np.float64)
    classes = np.array(train.classes)[train.labels]
    pipeline = make_pipeline(MultimodalGAN(**SMALL_GAN), LogisticRegression())
    assert set(pipeline.fit(values, classes).predict(values)) <= set(train.classes)


def test_new_rows_are_of_the_classes_asked_for(splits):
    gan = MultimodalGAN(**SMALL_GAN).fit(splits[0])
    made = gan.sample(["joy", "fear", "fear"])
    assert [made.classes[number] for number in made.labels] == ["joy", "fear", "fear"]
    known = ", ".join(splits[0].classes)
    with pytest.raises(InputError, match=f"class rage is unknown; expected one of {known}$"):
        gan.sample(["rage"])


@pytest.mark.filterwarnings("error:Initializing zero-element tensors")
def test_values_without_classes_are_fused_without_a_warning():
    values = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    assert JointVAE(latent_size=2, epochs=1, random_state=0).fit_transform(values).shape == (20, 2)


def test_labels_may_be_numbers_and_values_lists_or_frames():
    values = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    for given in (values, np.array(values), pd.DataFrame(values), {"text": pd.DataFrame(values)}):
        rows = make_rows(given, [10, 2, None])
        assert rows.labels.tolist() == [1, 0, NO_LABEL]
        assert rows.classes == ("2", "10")
        assert next(iter(rows.values.values())).dtype == np.float32


@pytest.mark.parametrize(
    ("values", "labels", "message"),
    [
        ([["a", "b"]], None, "holds what is not a number"),
        ([1.0, 2.0], None, r"shape \(2,\); expected \[rows, width\]"),
        (3.0, None, "values without a length"),
        ({}, None, "no modality"),
        ([[1.0], [np.inf]], None, "row 1 has NaN or infinite values"),
        ([[1.0], [2.0]], ["a"], "labels: 1 rows; expected 2"),
        ([[1.0], [2.0]], ["a", 3], "labels of several types"),
        ([[1.0]], [["a", "b"]], r"labels of shape \(1, 2\)"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(values, labels, message):
    with pytest.raises(InputError, match=message) as caught:
        make_rows(values, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (MultimodalGAN(latent_size=1), "MultimodalGAN: latent_size is 1; expected at least 2"),
        (JointVAE(dropout=1.0), "JointVAE: dropout is 1.0; expected less than 1"),
    ],
)
def test_a_parameter_out_of_bounds_is_named(estimator, message, splits):
    with pytest.raises(InputError, match=message):
        estimator.fit(splits[0])


def test_the_classifier_names_what_it_lacks(table, splits):
    train, dev = splits
    model = ConversationClassifier(epochs=1)
    with pytest.raises(InputError, match="no column speaker"):
        model.fit(train, table.drop(columns="speaker"), dev)
    with pytest.raises(InputError, match="no row for utterance d39/u4"):
        model.fit(train, table.iloc[:-1], dev)
    with pytest.raises(InputError, match="rows without ids"):
        model.fit(train.values["audio"], table, dev)
    with pytest.raises(InputError, match="loss is 'gentle'; expected one of cross_entropy"):
        clone(model).set_params(loss="gentle").fit(train, table, dev)


def other_classes(rows):
    """The rows without those of the first class, named anew by the others alone."""
    kept = rows.take(rows.labels != 0)
    return make_rows(kept.values, np.array(kept.classes)[kept.labels], kept.ids)


def test_rows_of_other_classes_are_refused(table, splits):
    train, dev = splits
    model = ConversationClassifier(epochs=1, random_state=0).fit(train, table, dev)
    other = other_classes(dev)
    for refuse in (
        lambda: JointVAE(**SMALL_VAE).fit(train, other),
        lambda: clone(model).fit(train, table, other),
        lambda: model.score(other, table),
    ):
        with pytest.raises(InputError, match=r"\('fear', 'joy'\); expected .*'calm'"):
            refuse()
    unlabelled = dev.with_labels(np.full(len(dev), NO_LABEL), dev.classes)
    with pytest.raises(InputError, match="no row has a label"):
        model.score(unlabelled, table)


def test_rows_of_other_modalities_are_refused(table, splits):
    train, dev = splits
    vae = JointVAE(**SMALL_VAE).fit(train, dev)
    model = ConversationClassifier(epochs=1, random_state=0).fit(train, table, dev)
    swapped = {"text": dev.values["audio"], "audio": dev.values["text"]}  # of the same sum
    for values in (swapped, {"text": dev.values["text"]}):
        rows = make_rows(values, ids=dev.ids)
        for refuse in (
            lambda rows=rows: vae.transform(rows),
            lambda rows=rows: model.predict(rows, table),
        ):
            with pytest.raises(InputError, match=r"rows of widths .* expected those of training"):
                refuse()
    with pytest.raises(InputError, match=r"rows of widths {'features': 6}"):
        vae.transform(dev.values["text"])
    with pytest.raises(InputError, match="dev has latents of width 2; expected 10"):
        clone(model).fit(train, table, vae.transform(dev))
    with pytest.raises(InputError, match="dev is a ndarray; expected LabelledRows"):
        clone(vae).fit(train, dev.values["text"])


def test_a_classifier_that_is_not_fitted_says_so(table, splits):
    for method in ("predict", "score"):
        with pytest.raises(NotFittedError):
            getattr(ConversationClassifier(), method)(splits[1], table)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"past_window": -3}, "past_window is -3; expected at least 0"),
        ({"mask_weight": -1}, "mask_weight is -1; expected at least 0"),
        ({"device": "gpu"}, "device is 'gpu'; expected auto, cpu or cuda"),
        ({"epochs": "3"}, "epochs is '3'; expected integer"),
    ],
)
def test_the_classifier_refuses_a_parameter_by_name(table, splits, parameters, message):
    with pytest.raises(InputError, match=message):
        ConversationClassifier(**{"epochs": 1, **parameters}).fit(splits[0], table, splits[1])


def test_a_share_that_is_none_is_refused(splits):
    with pytest.raises(InputError, match="validation_share is -1; expected a share"):
        JointVAE(**SMALL_VAE, validation_share=-1).fit(splits[0])


def test_parameters_may_be_numbers_of_numpy(splits):
    """As searches over parameters set them."""
    plain = JointVAE(**SMALL_VAE).fit(*splits)
    epochs, rate = np.int64(3), np.float64(plain.learning_rate)
    same = JointVAE(**SMALL_VAE | {"epochs": epochs, "learning_rate": rate}).fit(*splits)
    assert same.history_["value"].tolist() == plain.history_["value"].tolist()


def test_parameters_can_be_read_and_set():
    model = ConversationClassifier(loss="focal").set_params(epochs=3)
    assert model.get_params()["loss"] == "focal"
    assert clone(model).epochs == 3


def test_an_oversampler_from_outside_takes_its_place(splits, monkeypatch):
    def mean_row(rows, count, neighbours, seed):
        values = {name: matrix.mean(axis=0)[None] for name, matrix in rows.values.items()}
        return LabelledRows(["mean"], values).take(np.zeros(count, dtype=int))

    monkeypatch.setitem(SAMPLERS, "mean", mean_row)
    made = resample("mean", splits[0], np.array([1, 1, 2]))
    fear = splits[0].take(splits[0].labels == 1)
    np.testing.assert_allclose(made.values["audio"][0], fear.values["audio"].mean(axis=0), 1e-5)
    assert made.labels.tolist() == [1, 1, 2]


def test_a_loss_from_outside_takes_its_place(table, splits, monkeypatch):
    def smoothed(logits, labels, counts):
        return functional.cross_entropy(logits, labels, label_smoothing=0.1)

    train, dev = splits
    monkeypatch.setitem(LOSSES, "smoothed", smoothed)
    mine, plain = (
        ConversationClassifier(loss=loss, epochs=1, random_state=0).fit(train, table, dev)
        for loss in ("smoothed", "cross_entropy")
    )
    assert mine.history_["value"][0] != plain.history_["value"][0]
