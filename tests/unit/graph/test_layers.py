import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from cberl.train.context import DialogueEncoder, pack_order
from cberl.train.network import COSINE_SCALE, CosineHead
from cberl.train.reconstruction import NodeDecoder, choose_masked, scaled_cosine_error


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("online", [False, True])
def test_the_dialogue_encoder_equals_a_padded_run(online):
    lengths = torch.tensor([3, 1, 5, 3])
    inputs = torch.randn(12, 6)
    encoder = DialogueEncoder(6, online)
    padded = torch.zeros(4, 5, 6)
    mask = torch.arange(5) < lengths.unsqueeze(1)
    padded[mask] = inputs
    packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
    expected = pad_packed_sequence(encoder.recurrent(packed)[0], batch_first=True)[0][mask]
    torch.testing.assert_close(encoder(inputs, lengths), expected)


def test_pack_order_sorts_by_turn_then_by_length():
    order, sizes = pack_order(torch.tensor([1, 3, 2]))
    assert order.tolist() == [1, 4, 0, 2, 5, 3]
    assert sizes.tolist() == [3, 2, 1]


def test_dialogues_do_not_hear_each_other():
    encoder = DialogueEncoder(4, online=False)
    lengths = torch.tensor([2, 3])
    inputs = torch.randn(5, 4)
    before = encoder(inputs, lengths)
    inputs[2:] += 1
    after = encoder(inputs, lengths)
    torch.testing.assert_close(after[:2], before[:2])
    assert not torch.allclose(after[2:], before[2:])


def test_an_online_encoder_hears_the_past_only():
    encoder = DialogueEncoder(4, online=True)
    inputs = torch.randn(6, 4)
    before = encoder(inputs, torch.tensor([6]))
    inputs[3] += 1
    after = encoder(inputs, torch.tensor([6]))
    torch.testing.assert_close(after[:3], before[:3])
    assert (after[3:] != before[3:]).any(dim=1).all()


def test_gradients_pass_through_the_dialogue_encoder():
    encoder = DialogueEncoder(4, online=False).double()
    inputs = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: encoder(x, torch.tensor([1, 3])), (inputs,))


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
    assert not torch.allclose(after[0], before[0])  # node 1 hears node 0
    torch.testing.assert_close(after[1], before[1])  # node 2 hears masked nodes only


def test_cosine_logits_do_not_depend_on_lengths():
    head = CosineHead(4, 3)
    codes = torch.randn(5, 4)
    logits = head(codes)
    torch.testing.assert_close(head(7 * codes), logits)
    expected = torch.nn.functional.cosine_similarity(
        codes.unsqueeze(1), head.weight.unsqueeze(0), dim=2
    )
    torch.testing.assert_close(logits, COSINE_SCALE * expected)
