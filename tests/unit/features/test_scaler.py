"""Fitting the scaler on training rows."""

import numpy as np
import pytest

from cberl.features.scaler import fit_scaler


def fit(write_features, matrix):
    ids = [f"train/0/{row}" for row in range(len(matrix))]
    return fit_scaler([write_features("train", ids, matrix, {"modality": "audio"})])


def test_mean_and_deviation_of_available_rows_only(write_features):
    generator = np.random.default_rng(0)
    matrix = generator.normal([5, -300], [2, 40], (3000, 2)).astype(np.float32)
    with_gaps = np.concatenate([matrix, np.full((500, 2), np.nan)])
    tensors = fit(write_features, with_gaps)
    np.testing.assert_allclose(tensors["audio.mean"], matrix.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(tensors["audio.scale"], matrix.std(axis=0), rtol=1e-5)
    assert tensors["audio.mean"].dtype == tensors["audio.scale"].dtype == np.float32


@pytest.mark.parametrize("value", [0.0, 3.0, 0.1, -1e9, 1e-40])
def test_a_constant_feature_has_scale_one(write_features, value):
    tensors = fit(write_features, np.full((7, 1), value, dtype=np.float32))
    assert tensors["audio.scale"].tolist() == [1.0]


def test_large_values_do_not_overflow(write_features):
    tensors = fit(write_features, np.array([[1e30, 1e-6], [3e30, 3e-6]], dtype=np.float32))
    np.testing.assert_allclose(tensors["audio.scale"], [1e30, 1e-6], rtol=1e-5)


def test_without_any_available_row_scaling_changes_nothing(write_features):
    tensors = fit(write_features, np.full((3, 2), np.nan, dtype=np.float32))
    assert tensors["audio.mean"].tolist() == [0, 0]
    assert tensors["audio.scale"].tolist() == [1, 1]
