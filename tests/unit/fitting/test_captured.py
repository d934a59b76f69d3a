"""Training steps that a GPU plays back."""

import copy

import pytest
import torch

from cberl.fitting.captured import EAGER_STEPS, CapturedStep

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

SIZES = (8, 8, 8, 3, 8, 8, 8, 3, 8)
"""Of batches: as many of one size as it takes to be played back, and smaller ones in between."""


def train(captured):
    """Weights, terms of each step and random state after some steps with dropout."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(4, 16), torch.nn.Dropout(), torch.nn.Linear(16, 1)
    )
    network.to("cuda")
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    rows = torch.randn(50, 4, device="cuda")

    def step(positions):
        loss = network(rows[positions]).square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.1)
        optimizer.step()
        return {"loss": loss, "noise": torch.rand((), device="cuda")}

    update = CapturedStep(step, optimizer) if captured else step
    terms = []
    for size in SIZES:
        positions = torch.randperm(50)[:size].to("cuda")
        terms.append({name: float(value.detach()) for name, value in update(positions).items()})
    weights = copy.deepcopy(network.state_dict())
    return weights, terms, torch.cuda.get_rng_state()


def test_a_recorded_step_computes_what_it_does_without_a_recording():
    assert SIZES.count(8) > EAGER_STEPS + 2
    weights, terms, state = train(captured=True)
    expected, expected_terms, expected_state = train(captured=False)
    assert terms == expected_terms
    assert torch.equal(state, expected_state)
    for name, value in expected.items():
        assert torch.equal(weights[name], value), name
