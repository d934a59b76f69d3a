"""Every network that is written comes back as it was."""

import numpy as np
import pytest
import torch

from cberl.errors import InputError
from cberl.fitting.network_files import load_network, save_network
from cberl.fitting.tensors import to_tensors
from cberl.fuse.vae.network import VAENetwork
from cberl.oversample.gan.network import GANNetwork
from cberl.rows import LabelledRows
from cberl.train.network import ConversationNetwork

WIDTHS = {"text": 4, "audio": 3, "video": 2}
ORDERS = [("text", "audio", "video"), ("audio", "text", "video"), ("video", "audio", "text")]


@pytest.fixture
def rows():
    draw = np.random.default_rng(0)
    values = {name: draw.normal(size=(5, width)) for name, width in WIDTHS.items()}
    available = {name: draw.random(5) < 0.7 for name in WIDTHS}
    return LabelledRows(np.arange(5), values, available, [0, 1, 2, 0, 1], "abc")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("of", [GANNetwork, VAENetwork])
def test_modalities_keep_their_order_and_rows_their_output(tmp_path, rows, of, order):
    torch.manual_seed(0)
    network = of({name: WIDTHS[name] for name in order}, classes=3, latent_size=4, hidden_size=8)
    save_network(tmp_path / "network", "toy", network, {"rule": "toy"}, {"classes": ["a", "b"]})
    again, facts = load_network(tmp_path / "network", "toy", of)
    assert facts["classes"] == ["a", "b"]
    assert again.arguments == network.arguments
    assert [name for name, _ in again.arguments["widths"]] == list(order)
    assert list(again.state_dict()) == list(network.state_dict())
    assert not again.training
    values, available, labels = to_tensors(rows)
    inputs = (values, available, labels)[: 3 if of is GANNetwork else 2]
    expected, got = network.eval()(*inputs), again(*inputs)
    if of is GANNetwork:
        expected, got = (list(outputs.values()) for outputs in (expected, got))
    for one, other in zip(expected, got, strict=True):
        assert torch.equal(one, other)


def test_all_arguments_and_buffers_come_back(tmp_path):
    arguments = {
        "input_size": 5,
        "classes": 3,
        "hidden_size": 6,
        "graph_layers": 3,
        "dropout": 0.25,
        "online": True,
        "cosine_head": True,
        "evidence": {"first": 2, "mean": [-1.0] * 3, "scale": [2.0] * 3},
    }
    network = ConversationNetwork(**arguments)
    network.correction[1] = -torch.inf
    save_network(tmp_path / "network", "network", network, {})
    again, facts = load_network(tmp_path / "network", "network", ConversationNetwork)
    assert facts["arguments"] == again.arguments == arguments
    assert again.correction.tolist() == [0, -torch.inf, 0]


def test_a_file_of_another_kind_is_refused(tmp_path):
    network = VAENetwork(WIDTHS, 3, latent_size=4, hidden_size=8)
    save_network(tmp_path / "network", "vae", network, {})
    with pytest.raises(InputError, match="gan"):
        load_network(tmp_path / "network", "gan", GANNetwork)
