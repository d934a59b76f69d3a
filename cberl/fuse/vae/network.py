"""The joint variational autoencoder's layers."""

import warnings
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from cberl.fitting.dropout import Dropout
from cberl.fuse.vae.experts import product_of_experts

LOG_VARIANCE_RANGE = (-8.0, 8.0)


class VAENetwork(nn.Module):
    """An encoder and a decoder per modality around one latent, and a classifier on it.

    Args:
        widths: width of each modality's features, as a mapping or pairs.
        classes: number of classes.
        latent_size: Z, width of the latent.
        hidden_size: width of the one hidden layer of each encoder and decoder.
        dropout: share of the encoders' inputs and hidden units dropped in training.
    """

    def __init__(
        self,
        widths: Mapping[str, int] | Iterable[tuple[str, int]],
        classes: int,
        latent_size: int = 128,
        hidden_size: int = 256,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        widths = dict(widths)
        self.arguments = {
            "widths": list(widths.items()),
            "classes": classes,
            "latent_size": latent_size,
            "hidden_size": hidden_size,
            "dropout": dropout,
        }
        self.latent_size = latent_size
        self.encoders = nn.ModuleDict(
            {
                name: _layers(width, hidden_size, 2 * latent_size, dropout)
                for name, width in widths.items()
            }
        )
        self.decoders = nn.ModuleDict(
            {name: _layers(latent_size, hidden_size, width, 0.0) for name, width in widths.items()}
        )
        with warnings.catch_warnings():  # of rows without labels it has no weights
            warnings.filterwarnings("ignore", message="Initializing zero-element tensors")
            self.classifier = nn.Linear(latent_size, classes)

    def forward(
        self, values: Mapping[str, Tensor], available: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Latents and what the classifier makes of them; arguments as of `posterior`.

        Without the supervised term, the classifier is as it was at the start.

        Returns:
            posterior means float [N, Z] and logits float [N, classes].
        """
        mean, _ = self.posterior(values, available)
        return mean, self.classifier(mean)

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
        """Each modality reconstructed from latents [N, Z]: modality -> float [N, width]."""
        return {name: decoder(latent) for name, decoder in self.decoders.items()}


def _layers(inputs: int, hidden: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        Dropout(dropout),
        nn.Linear(inputs, hidden),
        nn.LayerNorm(hidden),
        nn.GELU(),
        Dropout(dropout),
        nn.Linear(hidden, outputs),
    )
