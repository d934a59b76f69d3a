"""The text encoder with a classifier on it."""

from collections.abc import Sequence

import torch
from torch import nn

from cberl.errors import InputError
from cberl.features.text.batches import TokenBatch, encode


class TextNetwork(nn.Module):
    """A transformer with dropout and a linear layer over the vector of an utterance.

    Devlin et al., BERT, NAACL 2019, section 4.1, with the pooling that extraction uses.

    Args:
        encoder: gives ``last_hidden_state``; its word embeddings stay as they are.
        width: of its vectors.
        classes: number of classes.
        dropout: share of the vector dropped in training.
        pooling: ``mean`` or ``cls``, see `cberl.features.text.batches.encode`.
        precision: of the encoder's matrix products, see there.
        frozen_layers: lower layers that stay as they are, and all embeddings with them.

    Raises:
        InputError: the encoder has no more layers than that, or none that can be recognised.
    """

    def __init__(
        self,
        encoder: nn.Module,
        width: int,
        classes: int,
        dropout: float = 0.1,
        pooling: str = "mean",
        precision: str = "auto",
        frozen_layers: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, classes)
        self._pooling, self._precision = pooling, precision
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_("pooler" not in name)  # not used
        # Half of a small encoder, and no better for training; words that training rows lack keep
        # their place among the others (Lee et al. 2019, arXiv 1911.03090, on freezing layers).
        encoder.get_input_embeddings().requires_grad_(False)
        if frozen_layers:
            freeze_below(encoder, frozen_layers)

    def forward(self, batch: TokenBatch) -> torch.Tensor:
        """Logits float32 [U, classes] of the utterances in a batch."""
        pooled = encode(self.encoder, batch, self._pooling, self._precision)  # [U, width]
        return self.classifier(self.dropout(pooled))


def freeze_below(encoder: nn.Module, layers: int) -> None:
    """Train only what lies above the first ``layers`` layers of a transformer.

    Lee et al. 2019 (arXiv 1911.03090): the upper quarter of the layers keeps nine tenths of what
    fine-tuning all of them gives.

    Raises:
        InputError: the encoder has no more layers than that, or none that can be recognised.
    """
    found = [part for part in encoder.modules() if isinstance(part, nn.ModuleList)]
    depth = len(found[0]) if found else 0
    if depth <= layers:
        raise InputError(
            f"finetune.frozen_layers: {layers} of an encoder of {depth} layers; expected fewer"
        )
    above = {id(parameter) for parameter in found[0][layers:].parameters()}
    for parameter in encoder.parameters():
        parameter.requires_grad_(parameter.requires_grad and id(parameter) in above)


def parameter_groups(
    network: TextNetwork, learning_rate: float, classifier_factor: float, weight_decay: float
) -> Sequence[dict[str, object]]:
    """Parameter groups of an optimizer: encoder and classifier, each with and without decay.

    Biases and the scales of normalisation are not decayed, as in BERT's own training.
    """
    groups: list[dict[str, object]] = []
    for module, factor in ((network.encoder, 1.0), (network.classifier, classifier_factor)):
        parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        for decay, part in (
            (weight_decay, [p for p in parameters if p.ndim > 1]),
            (0.0, [p for p in parameters if p.ndim <= 1]),
        ):
            groups.append({"params": part, "weight_decay": decay, "lr": factor * learning_rate})
    return groups
