import pytest
import torch

from cberl.train.reconstruction import NodeDecoder, choose_masked, scaled_cosine_error


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_scaled_cosine_error_is_the_one_computed_by_hand():
    inputs = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    rebuilt = torch.tensor([[5.0, 0.0], [3.0, 0.0], [-1.0, -1.0]])
    # Cosines 1, 0 and -1: squared errors 0, 1 and 4.
    assert scaled_cosine_error(rebuilt, inputs).item() == pytest.approx(5 / 3, abs=1e-5)


def test_scaled_cosine_error_leaves_empty_inputs_out():
    inputs = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    rebuilt = torch.tensor([[0.0, 1.0], [4.0, 4.0]])
    assert scaled_cosine_error(rebuilt, inputs).item() == pytest.approx(1)
    assert scaled_cosine_error(rebuilt[:0], inputs[:0]).item() == 0


def test_masks_are_drawn_at_their_rate_and_spare_lone_utterances():
    lengths = torch.tensor([1] * 50 + [20] * 200)
    masked = choose_masked(lengths, 0.3)
    assert not masked[:50].any()
    assert masked[50:].float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert not choose_masked(lengths, 0.0).any()


def test_the_decoder_does_not_see_codes_of_masked_nodes():
    decoder = NodeDecoder(4, 7, relations=2)
    edge_index = torch.tensor([[0, 1, 2, 0, 1], [0, 1, 2, 1, 2]])
    edge_type = torch.tensor([1, 1, 1, 0, 0])
    masked = torch.tensor([False, True, True])
    codes = torch.randn(3, 4)
    before = decoder(codes, masked, edge_index, edge_type)
    assert before.shape == (2, 7)
    changed = codes.clone()
    changed[1:] += 1
    torch.testing.assert_close(decoder(changed, masked, edge_index, edge_type), before)
    changed[0] += 1
    after = decoder(changed, masked, edge_index, edge_type)
    assert not torch.allclose(after[0], before[0])  # node 0 is a neighbour of node 1
    torch.testing.assert_close(after[1], before[1])  # all neighbours of node 2 are masked
