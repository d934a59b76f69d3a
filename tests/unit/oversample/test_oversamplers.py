"""What every oversampler keeps to, whatever its method."""

import numpy as np
import pytest

from cberl.errors import InputError
from cberl.features.featureset import FeatureSet
from cberl.oversample.gan.fit import fit_gan
from cberl.oversample.gan.sample import sample_gan
from cberl.oversample.resample import resample

SMOTE = {"smote": {"neighbours": 5}}


def oversample_gan(features, labels, wanted_labels, seed):
    settings = {
        "latent_size": 8,
        "hidden_size": 16,
        "epochs": 3,
        "batch_size": 32,
        "learning_rate": 0.002,
        "class_weight": 1,
        "identity_weight": 100,
        "divergence_weight": 0.1,
        "average_decay": 0.9,
        "device": "cpu",
    }
    gan, _ = fit_gan(features, labels, 4, settings, seed)
    return sample_gan(gan, features, labels, wanted_labels, seed)


def oversample_random(features, labels, wanted_labels, seed):
    return resample("random", features, labels, wanted_labels, SMOTE, seed)


def oversample_smote(features, labels, wanted_labels, seed):
    return resample("smote", features, labels, wanted_labels, SMOTE, seed)


pytestmark = pytest.mark.parametrize(
    "oversample", [oversample_random, oversample_smote, oversample_gan]
)
WANTED = np.array([3, 1, 2, 2, 3, 3, 1, 3, 3, 3, 3, 3])


def assert_like(samples: FeatureSet, features: FeatureSet, rows: int) -> None:
    assert len(samples) == rows
    assert samples.modalities == features.modalities
    assert len(set(samples.ids)) == rows
    for name in features.modalities:
        value, mask = samples.values[name], samples.available[name]
        assert value.shape == (rows, features.values[name].shape[1])
        assert value.dtype == np.float32
        assert mask.dtype == bool
        assert np.isfinite(value).all()
        assert not value[~mask].any()


def test_one_row_per_wanted_label(oversample, make_rows):
    features, labels = make_rows()
    assert_like(oversample(features, labels, WANTED, 0), features, len(WANTED))


def test_nothing_wanted_gives_no_rows(oversample, make_rows):
    features, labels = make_rows()
    samples = oversample(features, labels, np.empty(0, dtype=np.int64), 0)
    assert_like(samples, features, 0)


def test_the_same_seed_gives_the_same_bytes(oversample, make_rows):
    features, labels = make_rows()
    first, again, other = (oversample(features, labels, WANTED, seed) for seed in (1, 1, 2))
    assert all(first.values[m].tobytes() == again.values[m].tobytes() for m in first.modalities)
    assert any(not np.array_equal(first.values[m], other.values[m]) for m in first.modalities)


def test_the_training_rows_stay_as_they_were(oversample, make_rows):
    features, labels = make_rows()
    before = {name: value.copy() for name, value in features.values.items()}
    oversample(features, labels, WANTED, 0)
    for name, value in before.items():
        np.testing.assert_array_equal(features.values[name], value)


def test_values_stay_in_the_range_of_the_training_rows(oversample, make_rows):
    features, labels = make_rows()
    samples = oversample(features, labels, np.repeat([2, 3], 50), 0)
    for name, value in features.values.items():
        real, made = value[features.available[name]], samples.values[name][samples.available[name]]
        assert (made >= real.min(axis=0) - 1e-4).all()
        assert (made <= real.max(axis=0) + 1e-4).all()


def test_a_sample_lies_nearest_to_its_own_class(oversample, make_rows):
    features, labels = make_rows(missing=0)
    samples = oversample(features, labels, np.repeat([1, 2, 3], 20), 0)
    text, made = features.values["text"], samples.values["text"]
    nearest = np.linalg.norm(made[:, None] - text[None], axis=2).argmin(axis=1)
    assert (labels[nearest] == np.repeat([1, 2, 3], 20)).mean() > 0.8


def test_a_class_with_a_single_row(oversample, make_rows):
    features, labels = make_rows((40, 20, 10, 1))
    assert_like(oversample(features, labels, np.full(9, 3), 0), features, 9)


def test_a_class_smaller_than_the_neighbours(oversample, make_rows):
    features, labels = make_rows((40, 20, 10, 3))
    assert_like(oversample(features, labels, np.full(9, 3), 0), features, 9)


def test_a_class_without_rows_is_named(oversample, make_rows):
    features, labels = make_rows((40, 20, 10, 0))
    with pytest.raises(InputError, match="class number 3"):
        oversample(features, labels, np.full(9, 3), 0)


def test_a_single_class(oversample, make_rows):
    features, labels = make_rows((30,))
    assert_like(oversample(features, labels, np.zeros(7, dtype=np.int64), 0), features, 7)


def test_a_single_modality(oversample, make_rows):
    features, labels = make_rows(widths={"audio": 5}, missing=0)
    assert_like(oversample(features, labels, WANTED, 0), features, len(WANTED))


def test_a_modality_that_no_row_has(oversample, make_rows):
    features, labels = make_rows()
    samples = oversample(features.without("audio"), labels, WANTED, 0)
    assert_like(samples, features, len(WANTED))
    assert not samples.available["audio"].any()
    assert samples.available["text"].any()


def test_rows_without_a_label_are_not_sampled_from(oversample, make_rows):
    features, labels = make_rows(missing=0)
    for value in features.values.values():
        value[labels == 0] = 1000
    samples = oversample(features, np.where(labels == 0, -1, labels), WANTED, 0)
    assert all(np.abs(value).max() < 500 for value in samples.values.values())
