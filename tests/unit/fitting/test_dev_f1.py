import pytest
import torch
from sklearn.metrics import f1_score

from cberl.fitting.dev_f1 import f1_scores


def test_scores_are_those_of_scikit_learn():
    torch.manual_seed(0)
    labels, predicted = torch.randint(5, (200,)), torch.randint(5, (200,))
    macro, weighted = f1_scores(labels, predicted, 5)
    assert macro == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert weighted == pytest.approx(f1_score(labels, predicted, average="weighted"))


def test_a_class_that_nobody_has_is_left_out():
    labels, predicted = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 2, 1, 1])
    macro, _ = f1_scores(labels, predicted, 4)
    assert macro == pytest.approx((2 / 3 + 1) / 2)
