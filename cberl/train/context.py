"""What each utterance means in the run of its dialogue: the encoder before the graph."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence


class DialogueEncoder(nn.Module):
    """A gated recurrent network over the turns of each dialogue.

    The turns of many dialogues run through it side by side without any padding: sorted by turn,
    then by length of the dialogue, nodes are a packed sequence already, so that one gather goes
    in and one comes out, and a dialogue of 2,000 turns beside short ones costs only its own.

    Args:
        size: width of input and output; even.
        online: only earlier turns are read (one direction) instead of all (both directions).
    """

    def __init__(self, size: int, online: bool) -> None:
        super().__init__()
        self.recurrent = nn.GRU(
            size, size if online else size // 2, bidirectional=not online, batch_first=False
        )

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Encode dialogues.

        Args:
            inputs: float [N, size], the turns of each dialogue in order, dialogue after dialogue.
            lengths: int64 [G], turns per dialogue; at least 1 each.

        Returns:
            float [N, size].
        """
        order, batch_sizes = pack_order(lengths)
        order = order.to(inputs.device)
        packed = PackedSequence(inputs.index_select(0, order), batch_sizes)  # [N, size], by turn
        encoded, _ = self.recurrent(packed)
        return encoded.data.index_select(0, torch.argsort(order))  # [N, size], by dialogue


def pack_order(lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The order in which dialogues laid end to end become a packed sequence.

    Args:
        lengths: int64 [G].

    Returns:
        order: int64 [N], positions sorted by turn, then by falling length of the dialogue.
        batch_sizes: int64 [longest] on the CPU, dialogues that have each turn.
    """
    lengths = lengths.cpu()
    ends = torch.cumsum(lengths, dim=0)
    turn = torch.arange(int(lengths.sum())) - torch.repeat_interleave(ends - lengths, lengths)
    rank = torch.argsort(torch.argsort(lengths, descending=True, stable=True))
    key = turn * len(lengths) + torch.repeat_interleave(rank, lengths)
    return torch.argsort(key), torch.bincount(turn)
