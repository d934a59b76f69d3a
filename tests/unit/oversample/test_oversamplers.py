"""What every oversampler keeps to, whatever its method."""

from dataclasses import replace

import numpy as np
import pytest

from cberl.errors import InputError
from cberl.oversample.gan.fit import fit_gan
from cberl.oversample.gan.sample import sample_gan
from cberl.oversample.resample import resample
from cberl.oversample.settings import GANSettings
from cberl.rows import LabelledRows

SETTINGS = GANSettings(
    latent_size=8,
    hidden_size=16,
    epochs=3,
    batch_size=32,
    learning_rate=0.002,
    average_decay=0.9,
)


def oversample_gan(train, wanted_labels, seed):
    gan, _ = fit_gan(train, SETTINGS, seed, "cpu")
    return sample_gan(gan, train, wanted_labels, seed)


def oversample_random(train, wanted_labels, seed):
    return resample("random", train, wanted_labels, seed=seed)


def oversample_smote(train, wanted_labels, seed):
    return resample("smote", train, wanted_labels, seed=seed)


pytestmark = pytest.mark.parametrize(
    "oversample", [oversample_random, oversample_smote, oversample_gan]
)
WANTED = np.array([3, 1, 2, 2, 3, 3, 1, 3, 3, 3, 3, 3])


def assert_like(samples: LabelledRows, train: LabelledRows, rows: int) -> None:
    assert len(samples) == rows
    assert samples.modalities == train.modalities
    assert samples.classes == train.classes
    assert len(set(samples.ids)) == rows
    for name in train.modalities:
        value, mask = samples.values[name], samples.available[name]
        assert value.shape == (rows, train.values[name].shape[1])
        assert value.dtype == np.float32
        assert mask.dtype == bool
        assert np.isfinite(value).all()
        assert not value[~mask].any()


def test_one_row_per_wanted_label(oversample, make_rows):
    train = make_rows()
    samples = oversample(train, WANTED, 0)
    assert_like(samples, train, len(WANTED))
    assert samples.labels.tolist() == WANTED.tolist()


def test_nothing_wanted_gives_no_rows(oversample, make_rows):
    train = make_rows()
    samples = oversample(train, [], 0)
    assert_like(samples, train, 0)


def test_the_same_seed_gives_the_same_bytes(oversample, make_rows):
    train = make_rows()
    first, again, other = (oversample(train, WANTED, seed) for seed in (1, 1, 2))
    assert all(first.values[m].tobytes() == again.values[m].tobytes() for m in first.modalities)
    assert any(not np.array_equal(first.values[m], other.values[m]) for m in first.modalities)


def test_the_training_rows_stay_as_they_were(oversample, make_rows):
    train = make_rows()
    before = {name: value.copy() for name, value in train.values.items()}
    oversample(train, WANTED, 0)
    for name, value in before.items():
        np.testing.assert_array_equal(train.values[name], value)


def test_values_stay_in_the_range_of_the_training_rows(oversample, make_rows):
    train = make_rows()
    samples = oversample(train, np.repeat([2, 3], 50), 0)
    for name, value in train.values.items():
        real, made = value[train.available[name]], samples.values[name][samples.available[name]]
        assert (made >= real.min(axis=0) - 1e-4).all()
        assert (made <= real.max(axis=0) + 1e-4).all()


def test_a_sample_lies_nearest_to_its_own_class(oversample, make_rows):
    train = make_rows(missing=0)
    samples = oversample(train, np.repeat([1, 2, 3], 20), 0)
    text, made = train.values["text"], samples.values["text"]
    nearest = np.linalg.norm(made[:, None] - text[None], axis=2).argmin(axis=1)
    assert (train.labels[nearest] == np.repeat([1, 2, 3], 20)).mean() > 0.8


def test_a_class_with_a_single_row(oversample, make_rows):
    train = make_rows((40, 20, 10, 1))
    assert_like(oversample(train, np.full(9, 3), 0), train, 9)


def test_a_class_smaller_than_the_neighbours(oversample, make_rows):
    train = make_rows((40, 20, 10, 3))
    assert_like(oversample(train, np.full(9, 3), 0), train, 9)


def test_a_class_without_rows_is_named(oversample, make_rows):
    train = make_rows((40, 20, 10, 0))
    with pytest.raises(InputError, match="class number 3"):
        oversample(train, np.full(9, 3), 0)


def test_a_single_class(oversample, make_rows):
    train = make_rows((30,))
    assert_like(oversample(train, np.zeros(7, dtype=np.int64), 0), train, 7)


def test_a_single_modality(oversample, make_rows):
    train = make_rows(widths={"audio": 5}, missing=0)
    assert_like(oversample(train, WANTED, 0), train, len(WANTED))


def test_a_modality_that_no_row_has(oversample, make_rows):
    train = make_rows()
    samples = oversample(train.without("audio"), WANTED, 0)
    assert_like(samples, train, len(WANTED))
    assert not samples.available["audio"].any()
    assert samples.available["text"].any()


def test_rows_without_a_label_are_not_sampled_from(oversample, make_rows):
    train = make_rows(missing=0)
    for value in train.values.values():
        value[train.labels == 0] = 1000
    unlabelled = replace(train, labels=np.where(train.labels == 0, -1, train.labels))
    samples = oversample(unlabelled, WANTED, 0)
    assert all(np.abs(value).max() < 500 for value in samples.values.values())
