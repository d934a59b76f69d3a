"""The multi-task graph network over conversations."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize

from cberl.fitting.dropout import Dropout
from cberl.graph.edges import RELATIONS
from cberl.train.adjustment import Adjustment
from cberl.train.context import DialogueEncoder
from cberl.train.convolution import RGCNConv
from cberl.train.reconstruction import NodeDecoder, choose_masked, scaled_cosine_error

COSINE_SCALE = 30.0


class ConversationNetwork(nn.Module):
    """Emotion of each utterance from its own features and those of its conversation.

    A projection of the input, a recurrent encoder along the dialogue, relational graph
    convolutions (Schlichtkrull et al., Modeling Relational Data with Graph Convolutional
    Networks, ESWC 2018, equation 2), each with residual, norm and dropout, and a classifier on
    the result beside the projection. A second head rebuilds hidden utterances.

    Args:
        input_size: D, width of the latents.
        classes: C.
        hidden_size: width of all that lies between; even.
        graph_layers: number of convolutions.
        dropout: share of hidden units dropped in training.
        online: no utterance sees later ones; the graph must be online too.
        cosine_head: logits are scaled cosines, as the margins of LDAM need them.
        evidence: where encoders' class log-probabilities stand among the inputs, see
            `cberl.fuse.evidence.find_evidence`. Logits are then these, weighted by a learnt number,
            plus the network's logits for the conversation; at the start 1 and zeros, so that
            training starts from what the encoders predict.

    Attributes:
        facts: what was chosen after training, JSON-able, to be written beside the weights.
    """

    def __init__(
        self,
        input_size: int,
        classes: int,
        hidden_size: int = 128,
        graph_layers: int = 2,
        dropout: float = 0.3,
        online: bool = False,
        cosine_head: bool = False,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.arguments = {
            "input_size": input_size,
            "classes": classes,
            "hidden_size": hidden_size,
            "graph_layers": graph_layers,
            "dropout": dropout,
            "online": online,
            "cosine_head": cosine_head,
            "evidence": evidence,
        }
        self.projection = nn.Sequential(
            Dropout(dropout),
            nn.Linear(input_size, hidden_size),
            nn.LayerNorm(hidden_size),
            nn.GELU(),
        )
        self.mask_token = nn.Parameter(torch.zeros(hidden_size))
        self.context = DialogueEncoder(hidden_size, online)
        self.context_norm = nn.LayerNorm(hidden_size)
        self.convolutions = nn.ModuleList(
            RGCNConv(hidden_size, hidden_size, len(RELATIONS), root_weight=False)
            for _ in range(graph_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in range(graph_layers))
        self.dropout = Dropout(dropout)
        head = CosineHead if cosine_head else nn.Linear
        self.classifier = head(2 * hidden_size, classes)
        self._evidence: slice | None = None
        if evidence is not None:
            self._evidence = slice(evidence["first"], evidence["first"] + classes)
            for name in ("mean", "scale"):
                tensor = torch.tensor(evidence[name])
                self.register_buffer(f"evidence_{name}", tensor, persistent=False)
            self.evidence_weight = nn.Parameter(torch.ones(()))
            if not cosine_head:  # a cosine with a zero vector has no gradient
                nn.init.zeros_(self.classifier.weight)
                nn.init.zeros_(self.classifier.bias)
        self.decoder = NodeDecoder(hidden_size, input_size, len(RELATIONS))
        self.register_buffer("correction", torch.zeros(classes))
        self.register_buffer("temperature", torch.ones(()))
        self.facts: dict[str, Any] = {}

    def forward(
        self, inputs: Tensor, lengths: Tensor, edge_index: Tensor, edge_type: Tensor
    ) -> Tensor:
        """Logits of each node.

        Args:
            inputs: float [N, D], turns in order, dialogue after dialogue.
            lengths: int64 [G], turns per dialogue.
            edge_index: int64 [2, E], sources and targets.
            edge_type: int64 [E], numbers in `cberl.graph.edges.RELATIONS`.

        Returns:
            float [N, C].
        """
        projected = self.projection(inputs)  # [N, D] -> [N, H]
        codes = self._encode(projected, lengths, edge_index, edge_type)
        return self.classify(codes, projected, inputs)

    def corrected_logits(
        self, inputs: Tensor, lengths: Tensor, edge_index: Tensor, edge_type: Tensor
    ) -> Tensor:
        """Logits to predict with: those of `forward` plus ``correction``, over ``temperature``.

        The correction is minus infinity for classes without a training row; otherwise it is 0, and
        the temperature 1, until `adjust` sets them.
        """
        logits = self(inputs, lengths, edge_index, edge_type)
        return (logits + self.correction) / self.temperature

    def adjust(self, adjustment: Adjustment, log_prior: Tensor) -> None:
        """Take over what was chosen after training, with the class frequencies it refers to [C]."""
        self.facts["adjustment"] = adjustment.describe()
        self.correction -= adjustment.strength * log_prior
        self.temperature.fill_(adjustment.temperature)

    def classify_and_reconstruct(
        self, inputs: Tensor, lengths: Tensor, edge_index: Tensor, edge_type: Tensor, rate: float
    ) -> tuple[Tensor, Tensor]:
        """Both tasks of a training step: logits, and the error of rebuilding hidden nodes.

        The conversation goes through twice, side by side in one pass: as it is, for the logits,
        and with a share of its nodes hidden. A hidden node's projection is replaced by a learnt
        token before any neighbour sees it. The projection itself learns from the labels alone: of
        few rows, it would otherwise keep what makes an utterance easy to rebuild.

        Args:
            rate: share of nodes to hide, 0 to 1; the others as in `forward`.

        Returns:
            logits float [N, C], and the scaled cosine error, a scalar.
        """
        masked = choose_masked(lengths, rate)  # [N]
        projected = self.projection(inputs)  # [N, H]
        hidden = torch.where(masked.unsqueeze(1), self.mask_token, projected.detach())
        twice = (
            torch.cat([lengths, lengths]),
            torch.cat([edge_index, edge_index + len(inputs)], dim=1),
            torch.cat([edge_type, edge_type]),
        )
        codes = self._encode(torch.cat([projected, hidden]), *twice)  # [2N, H]
        seen_codes, hidden_codes = codes.chunk(2)
        rebuilt = self.decoder(hidden_codes, masked, edge_index, edge_type)  # [masked, D]
        error = scaled_cosine_error(rebuilt, inputs[masked])
        return self.classify(seen_codes, projected, inputs), error

    def classify(self, codes: Tensor, projected: Tensor, inputs: Tensor) -> Tensor:
        """Logits float [N, C] from the codes of the conversations.

        Args:
            codes: float [N, H], the last convolution's.
            projected: float [N, H], the nodes by themselves.
            inputs: float [N, D].
        """
        logits = self.classifier(self.dropout(torch.cat([codes, projected], dim=1)))  # [N, C]
        return logits if self._evidence is None else logits + self.from_encoders(inputs)

    def from_encoders(self, inputs: Tensor) -> Tensor:
        """The share that encoders' log-probabilities have in the logits: [N, D] -> [N, C]."""
        known = inputs[:, self._evidence] * self.evidence_scale + self.evidence_mean
        return self.evidence_weight * known

    def _encode(
        self, projected: Tensor, lengths: Tensor, edge_index: Tensor, edge_type: Tensor
    ) -> Tensor:
        codes = self.context_norm(projected + self.dropout(self.context(projected, lengths)))
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            messages = torch.relu(convolution(codes, edge_index, edge_type))  # [N, H]
            codes = norm(codes + self.dropout(messages))
        return codes


class CosineHead(nn.Module):
    """Scaled cosine between a code and a vector per class.

    Margins mean the same for every class only if neither length counts; scale 30 as usual
    (Cao et al., Learning Imbalanced Datasets with LDAM Loss, NeurIPS 2019, section 3.1).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))

    def forward(self, codes: Tensor) -> Tensor:
        """Codes float [N, inputs] -> logits float [N, outputs], within -30 and 30."""
        return COSINE_SCALE * linear(normalize(codes, dim=1), normalize(self.weight, dim=1))
