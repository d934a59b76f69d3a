"""The one definition of F1, against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from cberl.f1 import f1_of_classes, f1_of_counts


def test_f1_of_each_class_is_that_of_scikit_learn():
    draw = np.random.default_rng(0)
    truth, predicted = draw.integers(0, 4, 300), draw.integers(0, 5, 300)
    expected = f1_score(truth, predicted, labels=np.arange(6), average=None, zero_division=0)
    assert f1_of_classes(truth, predicted, 6) == pytest.approx(expected)


def test_arrays_and_tensors_are_taken_alike():
    counts = np.array([[3.0, 0.0, 1.0], [4.0, 0.0, 5.0], [6.0, 0.0, 1.0]])
    expected = [0.6, 0.0, 2 / 6]
    assert f1_of_counts(*counts).tolist() == pytest.approx(expected)
    assert f1_of_counts(*torch.from_numpy(counts)).tolist() == pytest.approx(expected)
