import numpy as np
import pytest

from cberl.features.featureset import FeatureSet
from cberl.oversample.resample import resample

SETTINGS = {"smote": {"neighbours": 2}}


def text_and_audio(text, audio, has_audio):
    ids = np.array([f"train/0/{n}" for n in range(len(text))], dtype=object)
    values = {"text": np.float32(text)[:, None], "audio": np.float32(audio)[:, None]}
    return FeatureSet(
        ids, values, {"text": np.ones(len(text), bool), "audio": np.array(has_audio, bool)}
    )


def test_random_repeats_whole_rows(make_rows):
    features, labels = make_rows()
    samples = resample("random", features, labels, np.full(40, 2), SETTINGS, seed=0)
    real = np.concatenate([*features.values.values()], axis=1)[labels == 2]
    made = np.concatenate([*samples.values.values()], axis=1)
    assert all((real == row).all(axis=1).any() for row in made)
    assert len(np.unique(made, axis=0)) > 6


def test_smote_lies_between_two_rows_of_the_class():
    features = text_and_audio([0, 1, 10, 11, 500], [0, 2, 20, 22, 500], [1] * 5)
    labels = np.array([0, 0, 0, 0, 1])
    settings = {"smote": {"neighbours": 1}}
    samples = resample("smote", features, labels, np.zeros(30, dtype=np.int64), settings, seed=0)
    text, audio = samples.values["text"][:, 0], samples.values["audio"][:, 0]
    np.testing.assert_allclose(audio, 2 * text, rtol=1e-4, atol=1e-4)
    assert (((text >= 0) & (text <= 1)) | ((text >= 10) & (text <= 11))).all()
    assert len(np.unique(text)) > 20


def test_smote_takes_a_modality_whole_from_the_parent_that_has_it():
    # Audio is 4 where there is any; between a row with and one without it is 4 or nothing.
    features = text_and_audio([0, 1], [4, 0], [1, 0])
    samples = resample(
        "smote", features, np.zeros(2, dtype=np.int64), np.zeros(50, dtype=np.int64), SETTINGS, 0
    )
    has, audio = samples.available["audio"], samples.values["audio"][:, 0]
    assert has.any()
    assert not has.all()
    np.testing.assert_allclose(audio[has], 4, rtol=1e-3)
    assert not audio[~has].any()
    np.testing.assert_array_equal(has, samples.values["text"][:, 0] < 0.5)


def test_none_makes_nothing(make_rows):
    features, labels = make_rows()
    samples = resample("none", features, labels, np.empty(0, dtype=np.int64), SETTINGS, seed=0)
    assert len(samples) == 0
    assert samples.values["text"].shape == (0, 12)
    with pytest.raises(ValueError, match="none makes no rows"):
        resample("none", features, labels, np.array([1]), SETTINGS, seed=0)


def test_an_unknown_oversampler_is_refused(make_rows):
    features, labels = make_rows()
    with pytest.raises(ValueError, match="adasyn"):
        resample("adasyn", features, labels, np.array([1]), SETTINGS, seed=0)
