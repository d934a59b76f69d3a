import math

import pytest
import torch

from cberl.train.loss import (
    LOSSES,
    ClassCounts,
    class_balanced,
    class_weights,
    cross_entropy,
    effective_weights,
    focal,
    ldam,
    ldam_reweighted,
    logit_adjustment,
    margins,
)
from cberl.train.network import COSINE_SCALE

LOGITS = torch.tensor([[0.0, 0.0], [math.log(3.0), 0.0]])
LABELS = torch.tensor([0, 1])
# Probabilities of the true classes: 1/2 and 1/4.
SURPRISE = (math.log(2), math.log(4))


def counts(drawn, real=None):
    return ClassCounts(torch.tensor(drawn), torch.tensor(real or drawn))


def test_cross_entropy():
    expected = sum(SURPRISE) / 2
    assert cross_entropy(LOGITS, LABELS, counts([9.0, 1.0])).item() == pytest.approx(expected)


def test_class_weights_are_inverse_frequencies():
    # Weights 1/9 and 1, i.e. 1 : 9.
    expected = (SURPRISE[0] + 9 * SURPRISE[1]) / 10
    assert class_weights(LOGITS, LABELS, counts([9.0, 1.0])).item() == pytest.approx(expected)


def test_class_balanced_weights_are_inverse_effective_numbers():
    # Effective numbers (1 - 0.999^n) / 0.001 of 1000 and 10 rows.
    first, second = 632.3045752, 9.9551197
    weights = effective_weights(torch.tensor([1000.0, 10.0], dtype=torch.float64))
    assert (weights[1] / weights[0]).item() == pytest.approx(first / second, rel=1e-6)
    assert weights.mean().item() == pytest.approx(1)
    expected = (SURPRISE[0] / first + SURPRISE[1] / second) / (1 / first + 1 / second)
    loss = class_balanced(LOGITS, LABELS, counts([1000.0, 10.0]))
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_focal_plays_down_what_is_right_already():
    expected = (0.5**2 * SURPRISE[0] + 0.75**2 * SURPRISE[1]) / 2
    assert focal(LOGITS, LABELS, counts([1.0, 1.0])).item() == pytest.approx(expected)


def test_margins_go_with_the_fourth_root():
    assert margins(torch.tensor([1600.0, 100.0])).tolist() == pytest.approx([0.25, 0.5])
    # A class without rows neither takes the widest margin nor narrows the others.
    assert margins(torch.tensor([1600.0, 100.0, 0.0]))[:2].tolist() == pytest.approx([0.25, 0.5])


def test_ldam_takes_the_margin_from_the_true_logit():
    logits = COSINE_SCALE * torch.tensor([[0.5, 0.1], [0.3, 0.2]])
    # Row 0 (class 0): 30 * (0.5 - 0.25) = 7.5 against 3; row 1 (class 1): -9 against 9.
    expected = (math.log1p(math.exp(3 - 7.5)) + math.log1p(math.exp(9 + 9))) / 2
    got = ldam(logits, LABELS, counts([1600.0, 100.0]))
    assert got.item() == pytest.approx(expected, rel=1e-5)


def test_ldam_takes_margins_from_real_rows_and_weights_from_drawn_ones():
    logits = COSINE_SCALE * torch.tensor([[0.5, 0.1], [0.3, 0.2]])
    mixed = counts([800.0, 800.0], real=[1600.0, 100.0])
    plain = counts([1600.0, 100.0])
    torch.testing.assert_close(ldam(logits, LABELS, mixed), ldam(logits, LABELS, plain))
    torch.testing.assert_close(ldam_reweighted(logits, LABELS, mixed), ldam(logits, LABELS, mixed))
    assert ldam_reweighted(logits, LABELS, plain) > ldam(logits, LABELS, plain)


def test_logit_adjustment_adds_the_log_of_the_prior():
    # Priors 3/4 and 1/4. Row 0: e^0 * 3/4 of 1; row 1: 1/4 of 3 * 3/4 + 1/4.
    expected = (-math.log(0.75) - math.log(0.25 / 2.5)) / 2
    got = logit_adjustment(LOGITS, LABELS, counts([30.0, 10.0]))
    assert got.item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", [class_weights, class_balanced, logit_adjustment])
def test_weights_and_priors_follow_from_what_is_drawn(loss):
    drawn, recorded = [900.0, 100.0], [100.0, 900.0]
    expected, other = (loss(LOGITS, LABELS, counts(both)) for both in (drawn, recorded))
    assert loss(LOGITS, LABELS, counts(drawn, real=recorded)) == expected != other


@pytest.mark.parametrize(
    "loss", [class_weights, class_balanced, ldam, ldam_reweighted, logit_adjustment]
)
def test_with_equal_counts_the_corrections_vanish(loss):
    even = counts([50.0, 50.0])
    logits, labels = torch.randn(20, 2), torch.randint(2, (20,))
    expected = cross_entropy(logits, labels, even)
    if loss in (ldam, ldam_reweighted):
        shift = 0.5 * COSINE_SCALE * torch.nn.functional.one_hot(labels, 2)
        expected = cross_entropy(logits - shift, labels, even)
    torch.testing.assert_close(loss(logits, labels, even), expected)


@pytest.mark.parametrize("loss", [*LOSSES.values(), ldam_reweighted])
def test_every_loss_is_finite_with_a_class_of_one_row_and_one_of_none(loss):
    uneven = counts([1000.0, 1.0, 0.0])
    logits = torch.randn(8, 3, requires_grad=True)
    value = loss(logits, torch.tensor([0, 0, 0, 0, 0, 0, 0, 1]), uneven)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("loss", [class_weights, class_balanced, ldam, logit_adjustment])
def test_losses_for_rare_classes_push_rare_logits_harder(loss):
    uneven = counts([900.0, 100.0])
    pushes = []
    for label in (0, 1):
        logits = torch.zeros(2, 2, requires_grad=True)
        labels = torch.tensor([label, 1 - label])
        loss(logits, labels, uneven).backward()
        pushes.append(-logits.grad[0, label].item())
    assert pushes[1] > pushes[0]
