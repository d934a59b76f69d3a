import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from cberl.train.context import DialogueEncoder, pack_order


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


def test_an_online_encoder_sees_the_past_only():
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
