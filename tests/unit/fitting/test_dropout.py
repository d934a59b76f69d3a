"""Dropout against torch's."""

import pytest
import torch

from cberl.fitting.dropout import Dropout


def test_as_many_are_zeroed_and_the_rest_scaled():
    torch.manual_seed(0)
    inputs = torch.full((500, 400), 2.0, requires_grad=True)
    outputs = Dropout(0.3)(inputs)
    kept = outputs != 0
    assert float(kept.float().mean()) == pytest.approx(0.7, abs=0.005)
    torch.testing.assert_close(outputs[kept], torch.full_like(outputs[kept], 2 / 0.7))
    outputs.sum().backward()
    torch.testing.assert_close(inputs.grad, outputs.detach() / 2)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_none_and_all_are_torchs(rate):
    inputs = torch.ones(3, 4)
    assert torch.equal(Dropout(rate)(inputs), torch.nn.Dropout(rate)(inputs))


def test_evaluation_changes_nothing():
    inputs = torch.ones(3, 4)
    assert torch.equal(Dropout(0.5).eval()(inputs), inputs)


def test_a_seed_gives_the_same_mask():
    inputs = torch.ones(20, 30)
    drawn = []
    for _ in range(2):
        torch.manual_seed(4)
        drawn.append(Dropout(0.5)(inputs))
    assert torch.equal(*drawn)
