"""Masked-node reconstruction: hide utterances, and reconstruct them from the conversation.

Hou et al., GraphMAE: Self-Supervised Masked Graph Autoencoders, KDD 2022, section 3.2.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from cberl.fitting.terms import masked_mean
from cberl.train.convolution import RGCNConv


def choose_masked(lengths: Tensor, rate: float) -> Tensor:
    """Draw the nodes to hide, each with the same chance: bool [N].

    Dialogues of one turn are exempt: no neighbour could reconstruct what was hidden.

    Args:
        lengths: int64 [G], turns per dialogue.
        rate: chance, 0 to 1.
    """
    alone = torch.repeat_interleave(lengths == 1, lengths)  # [N]
    return (torch.rand(alone.shape, device=alone.device) < rate) & ~alone


def scaled_cosine_error(reconstructed: Tensor, inputs: Tensor) -> Tensor:
    """Mean of (1 - cosine)^2 over rows (equation 2 there): scalar; 0 without rows.

    The square gives less weight to easy rows. Rows whose input is all zeros (nothing was
    recorded) have no direction and are left out.

    Args:
        reconstructed: float [n, D].
        inputs: float [n, D].
    """
    present = inputs.abs().sum(dim=1) > 0  # [n]
    errors = (1 - cosine_similarity(reconstructed, inputs, dim=1)).square()  # [n]
    return masked_mean(errors, present)


class NodeDecoder(nn.Module):
    """Re-mask decoding: hidden nodes lose their code too, and neighbours' codes rebuild them.

    Args:
        size: width of the codes.
        outputs: width of what is rebuilt.
        relations: number of edge types.
    """

    def __init__(self, size: int, outputs: int, relations: int) -> None:
        super().__init__()
        self.to_code = nn.Linear(size, size, bias=False)
        self.mask_token = nn.Parameter(torch.zeros(size))
        self.convolution = RGCNConv(size, size, relations, root_weight=False)
        self.to_inputs = nn.Linear(size, outputs)

    def forward(
        self, codes: Tensor, masked: Tensor, edge_index: Tensor, edge_type: Tensor
    ) -> Tensor:
        """Rebuild the inputs of the masked nodes.

        Args:
            codes: float [N, size].
            masked: bool [N].
            edge_index: int64 [2, E].
            edge_type: int64 [E].

        Returns:
            float [masked nodes, outputs].
        """
        codes = torch.where(masked.unsqueeze(1), self.mask_token, self.to_code(codes))  # [N, size]
        messages = torch.relu(self.convolution(codes, edge_index, edge_type))
        return self.to_inputs(messages[masked])  # [masked, outputs]
