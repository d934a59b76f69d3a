import numpy as np
import pandas as pd
import pytest
import torch

from cberl.graph.edges import build_edges
from cberl.train.network import COSINE_SCALE, ConversationNetwork, CosineHead

LENGTHS = torch.tensor([5, 1, 4])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def graph(past, future, lengths=LENGTHS):
    dialogue = np.repeat(np.arange(len(lengths)), lengths)
    nodes = pd.DataFrame({"dialogue_id": dialogue, "turn": np.arange(len(dialogue))})
    nodes["speaker"] = ["XY"[turn % 2] for turn in nodes["turn"]]
    edges = build_edges(nodes, past, future)
    tensors = (torch.from_numpy(edges[name]) for name in ("edge_index", "edge_type"))
    return lengths, *tensors


def network(online=False, **arguments):
    defaults = {
        "input_size": 6,
        "classes": 3,
        "hidden_size": 8,
        "graph_layers": 2,
        "dropout": 0.2,
        "cosine_head": False,
    }
    return ConversationNetwork(**defaults | arguments, online=online).eval()


def test_logits_come_per_node_and_arguments_build_the_network_again():
    first = network(cosine_head=True)
    inputs = torch.randn(10, 6)
    logits = first(inputs, *graph(2, 2))
    assert logits.shape == (10, 3)
    again = ConversationNetwork(**first.arguments).eval()
    again.load_state_dict(first.state_dict())
    torch.testing.assert_close(again(inputs, *graph(2, 2)), logits)


def test_an_online_network_sees_no_future():
    online = network(online=True)
    inputs = torch.randn(10, 6)
    before = online(inputs, *graph(8, 0))
    inputs[3] += 1  # turn 3 of the first dialogue
    after = online(inputs, *graph(8, 0))
    torch.testing.assert_close(after[:3], before[:3])
    torch.testing.assert_close(after[5:], before[5:])
    assert (after[3:5] != before[3:5]).any(dim=1).all()


def test_a_network_that_may_look_ahead_does():
    whole = network()
    inputs = torch.randn(10, 6)
    before = whole(inputs, *graph(8, 8))
    inputs[3] += 1
    after = whole(inputs, *graph(8, 8))
    assert (after[:5] != before[:5]).any(dim=1).all()
    torch.testing.assert_close(after[5:], before[5:])


def test_masked_nodes_do_not_leak_into_their_reconstruction(monkeypatch):
    masked = torch.zeros(10, dtype=torch.bool)
    masked[[1, 2, 7]] = True
    monkeypatch.setattr("cberl.train.network.choose_masked", lambda lengths, rate: masked)
    taken = []
    monkeypatch.setattr(
        "cberl.train.network.scaled_cosine_error",
        lambda rebuilt, inputs: taken.append(rebuilt) or rebuilt.sum(),
    )
    whole = network()
    inputs = torch.randn(10, 6)
    whole.classify_and_reconstruct(inputs, *graph(2, 2), rate=0.3)
    inputs[masked] += 1
    whole.classify_and_reconstruct(inputs, *graph(2, 2), rate=0.3)
    torch.testing.assert_close(taken[0], taken[1])
    inputs[0] += 1
    whole.classify_and_reconstruct(inputs, *graph(2, 2), rate=0.3)
    assert not torch.allclose(taken[1], taken[2])


def test_hiding_nodes_does_not_touch_the_logits():
    whole = network()
    inputs = torch.randn(10, 6)
    logits, _ = whole.classify_and_reconstruct(inputs, *graph(2, 2), rate=0.9)
    torch.testing.assert_close(logits, whole(inputs, *graph(2, 2)))


def test_reconstruction_learns_what_neighbours_tell():
    whole = network(dropout=0.0).train()
    lengths = torch.tensor([6] * 8)
    inputs = torch.repeat_interleave(torch.randn(8, 6), 6, dim=0)  # a dialogue repeats itself
    optimizer = torch.optim.Adam(whole.parameters(), lr=0.01)
    errors = []
    for _ in range(80):
        _, error = whole.classify_and_reconstruct(inputs, *graph(5, 5, lengths), rate=0.3)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert np.mean(errors[-5:]) < 0.1 * np.mean(errors[:5])


def test_the_reconstruction_trains_what_runs_along_the_conversation_and_not_the_projection():
    whole = network().train()
    inputs = torch.randn(10, 6)
    _, error = whole.classify_and_reconstruct(inputs, *graph(2, 2), rate=0.5)
    error.backward()
    shared = [whole.mask_token, *whole.context.parameters()]
    shared += [convolution.weight for convolution in whole.convolutions]
    assert all(part.grad is not None and part.grad.any() for part in shared)
    # The whole conversation's codes are in the same pass: their gradients are zeros.
    assert not any(part.grad.any() for part in whole.projection.parameters())
    assert all(part.grad is None for part in whole.classifier.parameters())


@pytest.mark.parametrize("cosine_head", [False, True])
def test_half_precision_gives_about_the_same_and_finite_gradients(cosine_head):
    """A CPU's bfloat16 goes through the same mixture of types as a GPU's float16."""
    whole = network(cosine_head=cosine_head)
    inputs = torch.randn(10, 6)
    expected = whole(inputs, *graph(2, 2))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, error = whole.classify_and_reconstruct(inputs, *graph(2, 2), rate=0.5)
        loss = torch.nn.functional.cross_entropy(logits, torch.arange(10) % 3) + error
    assert (logits - expected).abs().max() < 0.05 * expected.abs().max()
    assert loss.dtype == torch.float32
    loss.backward()
    assert all(part.grad is None or torch.isfinite(part.grad).all() for part in whole.parameters())


@pytest.mark.parametrize("turns", [1, 2000])
def test_a_dialogue_may_be_short_or_long(turns):
    lengths = torch.tensor([turns])
    logits = network()(torch.randn(turns, 6), *graph(8, 8, lengths))
    assert logits.shape == (turns, 3)
    assert torch.isfinite(logits).all()
    both = network().train().classify_and_reconstruct
    _, error = both(torch.randn(turns, 6), *graph(8, 8, lengths), 0.5)
    assert torch.isfinite(error)


def test_cosine_logits_do_not_depend_on_lengths():
    head = CosineHead(4, 3)
    codes = torch.randn(5, 4)
    logits = head(codes)
    torch.testing.assert_close(head(7 * codes), logits)
    expected = torch.nn.functional.cosine_similarity(
        codes.unsqueeze(1), head.weight.unsqueeze(0), dim=2
    )
    torch.testing.assert_close(logits, COSINE_SCALE * expected)
