import numpy as np
import pytest

from cberl.oversample.resample import resample
from cberl.rows import LabelledRows


def text_and_audio(text, audio, has_audio, labels):
    ids = np.array([f"train/0/{n}" for n in range(len(text))], dtype=object)
    values = {"text": np.float32(text)[:, None], "audio": np.float32(audio)[:, None]}
    available = {"text": np.ones(len(text)), "audio": has_audio}
    return LabelledRows(ids, values, available, labels, ("neutral", "joy"))


def test_random_repeats_whole_rows(make_rows):
    train = make_rows()
    samples = resample("random", train, np.full(40, 2), seed=0)
    real = np.concatenate([*train.values.values()], axis=1)[train.labels == 2]
    made = np.concatenate([*samples.values.values()], axis=1)
    assert all((real == row).all(axis=1).any() for row in made)
    assert len(np.unique(made, axis=0)) > 6


def test_smote_lies_between_two_rows_of_the_class():
    train = text_and_audio([0, 1, 10, 11, 500], [0, 2, 20, 22, 500], [1] * 5, [0, 0, 0, 0, 1])
    samples = resample("smote", train, np.zeros(30), neighbours=1, seed=0)
    text, audio = samples.values["text"][:, 0], samples.values["audio"][:, 0]
    np.testing.assert_allclose(audio, 2 * text, rtol=1e-4, atol=1e-4)
    assert (((text >= 0) & (text <= 1)) | ((text >= 10) & (text <= 11))).all()
    assert len(np.unique(text)) > 20


def test_smote_takes_a_modality_whole_from_the_parent_that_has_it():
    # Audio is 4 where there is any; between a row with and one without it is 4 or nothing.
    train = text_and_audio([0, 1], [4, 0], [1, 0], [0, 0])
    samples = resample("smote", train, np.zeros(50), neighbours=2, seed=0)
    has, audio = samples.available["audio"], samples.values["audio"][:, 0]
    assert has.any()
    assert not has.all()
    np.testing.assert_allclose(audio[has], 4, rtol=1e-3)
    assert not audio[~has].any()
    np.testing.assert_array_equal(has, samples.values["text"][:, 0] < 0.5)


def test_none_makes_nothing(make_rows):
    train = make_rows()
    samples = resample("none", train, [], seed=0)
    assert len(samples) == 0
    assert samples.values["text"].shape == (0, 12)
    with pytest.raises(ValueError, match="oversampler 'none'; expected one of random, smote"):
        resample("none", train, [1], seed=0)


def test_an_unknown_oversampler_is_refused(make_rows):
    with pytest.raises(ValueError, match="adasyn"):
        resample("adasyn", make_rows(), [1], seed=0)
