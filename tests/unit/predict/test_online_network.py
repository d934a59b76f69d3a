"""Turn by turn a network predicts what it predicts for the whole conversation."""

import numpy as np
import pandas as pd
import pytest
import torch

from cberl.graph.edges import build_edges
from cberl.predict.live.online_network import OnlineNetwork
from cberl.train.network import ConversationNetwork

WIDTH, CLASSES = 6, 4


def make_network(layers=2, cosine_head=False):
    torch.manual_seed(3)
    network = ConversationNetwork(
        WIDTH,
        CLASSES,
        hidden_size=8,
        graph_layers=layers,
        dropout=0.3,
        online=True,
        cosine_head=cosine_head,
    )
    network.correction[1] = -torch.inf
    return network.eval()


@pytest.mark.parametrize("past_window", [0, 1, 3, 50])
@pytest.mark.parametrize("layers", [0, 1, 2])
def test_the_same_as_the_whole_conversation(past_window, layers):
    network = make_network(layers, cosine_head=layers == 2)
    turns = 17
    generator = np.random.default_rng(1)
    speakers = generator.choice(["Ann", "Ben", "Cy"], size=turns)
    nodes = pd.DataFrame({"dialogue_id": "new/a", "turn": range(turns), "speaker": speakers})
    edges = build_edges(nodes, past_window, 0)
    inputs = torch.randn(turns, WIDTH)
    with torch.no_grad():
        expected = network(
            inputs,
            torch.tensor([turns]),
            torch.from_numpy(edges["edge_index"]),
            torch.from_numpy(edges["edge_type"]),
        )
    online = OnlineNetwork(network, past_window)
    state = online.start()
    for turn in range(turns):
        before = speakers[max(0, turn - past_window) : turn]
        same = torch.from_numpy(before == speakers[turn])
        logits = online.step(inputs[turn : turn + 1], same, state)
        assert torch.allclose(logits[[0, 2, 3]], expected[turn, [0, 2, 3]], atol=1e-5)
        assert logits[1] == -torch.inf


def test_what_is_remembered_does_not_grow():
    past_window = 3
    online = OnlineNetwork(make_network(), past_window)
    state = online.start()
    for turn in range(10):
        same = torch.zeros(min(turn, past_window), dtype=torch.bool)
        online.step(torch.randn(1, WIDTH), same, state)
    assert state.hidden.shape == (1, 1, 8)
    assert [len(codes) for codes in state.codes] == [past_window, past_window]
