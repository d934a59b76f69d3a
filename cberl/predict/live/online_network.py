"""A graph network turn by turn: it predicts a turn as soon as that turn is over.

With edges from the past alone, what a turn's code is does not change when later turns come. So
the code of each turn is computed once: the recurrent encoder continues from its last state, and
each convolution is computed for the new turn alone, from the few turns in its window: the sum
over relations of the mean of the turns in it times the relation's weight (Schlichtkrull et al.,
ESWC 2018, equation 2). That gives what the whole conversation would give, at a cost and with a
memory that do not grow with its length.
"""

from collections import deque
from dataclasses import dataclass, field

import torch
from torch import Tensor

from cberl.graph.edges import RELATIONS, SELF
from cberl.train.network import ConversationNetwork

SAME_PAST, OTHER_PAST = RELATIONS.index("same_past"), RELATIONS.index("other_past")


@dataclass
class NetworkState:
    """What a network remembers of one conversation.

    Attributes:
        hidden: of the recurrent encoder, float [1, 1, H]; None before the first turn.
        codes: for each convolution the codes of the turns in the next one's window, float [1, H]
            each.
    """

    hidden: Tensor | None = None
    codes: list[deque[Tensor]] = field(default_factory=list)


class OnlineNetwork:
    """Runs a `ConversationNetwork` on one more turn.

    Args:
        network: made with ``online``.
        past_window: earlier turns that a turn receives messages from.
    """

    def __init__(self, network: ConversationNetwork, past_window: int) -> None:
        self._network = network.eval()
        self._past_window = past_window

    def start(self) -> NetworkState:
        """The state before a conversation's first turn."""
        layers = len(self._network.convolutions)
        return NetworkState(codes=[deque(maxlen=self._past_window) for _ in range(layers)])

    @torch.inference_mode()
    def step(self, inputs: Tensor, same_speaker: Tensor, state: NetworkState) -> Tensor:
        """Logits of the next turn; ``state`` moves on.

        Args:
            inputs: float [1, D], the turn's latent.
            same_speaker: bool [W], for each of the last turns (at most ``past_window``, oldest
                first) whether its speaker is the one of this turn.

        Returns:
            float [C].
        """
        network = self._network
        projected = network.projection(inputs)  # [1, D] -> [1, H]
        context, state.hidden = network.context.recurrent(projected.unsqueeze(0), state.hidden)
        codes = network.context_norm(projected + context[0])
        earlier = len(same_speaker)
        shares = torch.zeros(len(RELATIONS), earlier + 1)  # of each turn in its relation's mean
        shares[SELF, earlier] = 1
        for relation, turns in ((SAME_PAST, same_speaker), (OTHER_PAST, ~same_speaker)):
            shares[relation, :earlier] = turns / turns.sum().clamp(min=1)
        for convolution, norm, window in zip(
            network.convolutions, network.norms, state.codes, strict=True
        ):
            nodes = torch.cat([*window, codes])  # [W + 1, H]
            window.append(codes)
            means = shares @ nodes  # [R, H]
            convolved = torch.einsum("rh,rhk->k", means, convolution.weight) + convolution.bias
            codes = norm(codes + torch.relu(convolved))
        logits = network.classify(codes, projected, inputs)
        return ((logits + network.correction) / network.temperature)[0]
