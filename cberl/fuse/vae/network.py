"""The joint variational autoencoder's layers."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from cberl.fuse.vae.experts import product_of_experts

LOG_VARIANCE_RANGE = (-8.0, 8.0)


class JointVAE(nn.Module):
    """An encoder and a decoder per modality around one latent, and a classifier on it.

    Args:
        widths: modality -> width of its features.
        class_count: classes of the classifier.
        latent_size: Z, width of the latent.
        hidden_size: width of the one hidden layer of each encoder and decoder.
        dropout: share of the encoders' inputs and hidden units dropped in training.
    """

    def __init__(
        self,
        widths: Mapping[str, int],
        class_count: int,
        latent_size: int,
        hidden_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.widths = dict(widths)
        self.class_count, self.latent_size = class_count, latent_size
        self.hidden_size, self.dropout = hidden_size, dropout
        self.encoders = nn.ModuleDict(
            {
                name: _layers(width, hidden_size, 2 * latent_size, dropout)
                for name, width in widths.items()
            }
        )
        self.decoders = nn.ModuleDict(
            {name: _layers(latent_size, hidden_size, width, 0.0) for name, width in widths.items()}
        )
        self.classifier = nn.Linear(latent_size, class_count)

    def describe(self) -> dict[str, object]:
        """The arguments that build this network again."""
        return {
            "widths": self.widths,
            "class_count": self.class_count,
            "latent_size": self.latent_size,
            "hidden_size": self.hidden_size,
            "dropout": self.dropout,
        }

    def posterior(
        self, values: Mapping[str, Tensor], available: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """The joint posterior given the modalities that are there.

        Args:
            values: modality -> float [N, width].
            available: modality -> bool [N].

        Returns:
            mean and log-variance, each float [N, Z].
        """
        means, log_variances = [], []
        for name, encoder in self.encoders.items():
            mean, log_variance = encoder(values[name]).chunk(2, dim=1)  # [N, 2Z] -> 2 x [N, Z]
            means.append(mean)
            log_variances.append(log_variance.clamp(*LOG_VARIANCE_RANGE))
        masks = torch.stack([available[name] for name in self.encoders])  # [M, N]
        return product_of_experts(torch.stack(means), torch.stack(log_variances), masks)

    def decode(self, latent: Tensor) -> dict[str, Tensor]:
        """What each modality looks like given latents [N, Z]: modality -> float [N, width]."""
        return {name: decoder(latent) for name, decoder in self.decoders.items()}


def _layers(inputs: int, hidden: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(inputs, hidden),
        nn.LayerNorm(hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, outputs),
    )
