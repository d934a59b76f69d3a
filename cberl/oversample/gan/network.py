"""The networks of the multimodal GAN: encoder, generators and critics.

One latent z stands for a row in all modalities: the encoder E gives its posterior from whatever
modalities the row has, and one generator G_m per modality turns it back.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

Matrices = Mapping[str, Tensor]
"""modality -> float32 [B, width]."""

ROW_LENGTH = 16.0
"""Norm of a typical row at a critic's input, whatever its width: the norm of the input bounds the
output of a critic of spectral norm 1."""


class Encoder(nn.Module):
    """Posterior of the shared latent given a row's available modalities and its class.

    q(z | x, y) = N(mu, diag(sigma^2)), as in a conditional VAE (Sohn et al. 2015). The mean is a
    linear map plus a network that starts at 0: what is linear needs no learning by a network.
    """

    def __init__(
        self, widths: Mapping[str, int], classes: int, latent_size: int, hidden_size: int
    ) -> None:
        super().__init__()
        self.inputs = nn.ModuleDict(
            {name: nn.Linear(width, hidden_size) for name, width in widths.items()}
        )
        self.straight = nn.ModuleDict(
            {name: nn.Linear(width, latent_size) for name, width in widths.items()}
        )
        self.classes = nn.Embedding(classes, hidden_size)
        self.hidden = nn.Sequential(
            nn.LeakyReLU(0.2), nn.Linear(hidden_size, hidden_size), nn.LeakyReLU(0.2)
        )
        self.moments = nn.Linear(hidden_size, 2 * latent_size)
        nn.init.zeros_(self.moments.weight)
        nn.init.constant_(self.moments.bias[:latent_size], 0)
        nn.init.constant_(self.moments.bias[latent_size:], -4)

    def forward(
        self, rows: Matrices, available: Mapping[str, Tensor], labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Encode B rows.

        Args:
            rows: modality -> [B, width], zeros where absent.
            available: modality -> bool [B].
            labels: int64 [B].

        Returns:
            Mean and log-variance, each [B, latent_size].
        """
        hidden = self.classes(labels)  # [B, hidden]
        for name, layer in self.inputs.items():
            hidden = hidden + available[name].unsqueeze(1) * layer(rows[name])
        mean, log_variance = self.moments(self.hidden(hidden)).chunk(2, dim=1)
        for name, layer in self.straight.items():
            mean = mean + available[name].unsqueeze(1) * layer(rows[name])
        return mean, log_variance.clamp(-10, 4)


class Generator(nn.Module):
    """One modality's features from the shared latent and the class: [B, latent] -> [B, width].

    As in the encoder a linear map plus a network that starts at 0.
    """

    def __init__(self, width: int, classes: int, latent_size: int, hidden_size: int) -> None:
        super().__init__()
        self.straight = nn.Linear(latent_size, width)
        self.input = nn.Linear(latent_size, hidden_size)
        self.classes = nn.Embedding(classes, hidden_size)
        self.layers = nn.Sequential(
            nn.LeakyReLU(0.2),
            nn.Linear(hidden_size, hidden_size),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden_size, width),
        )
        nn.init.zeros_(self.layers[-1].weight)

    def forward(self, latent: Tensor, labels: Tensor) -> Tensor:
        """Features float32 [B, width] from latents [B, latent_size] and classes int64 [B]."""
        hidden = self.input(latent) + self.classes(labels)
        return self.straight(latent) + self.layers(hidden)


class GANNetwork(nn.Module):
    """Encoder and generators; the critics are discarded after training.

    Args:
        widths: width of each modality's features, as a mapping or pairs.
        classes: number of classes.
        latent_size: width of the latent.
        hidden_size: width of the hidden layers.
    """

    def __init__(
        self,
        widths: Mapping[str, int] | Iterable[tuple[str, int]],
        classes: int,
        latent_size: int = 128,
        hidden_size: int = 256,
    ) -> None:
        super().__init__()
        self.arguments = {
            "widths": list(dict(widths).items()),
            "classes": classes,
            "latent_size": latent_size,
            "hidden_size": hidden_size,
        }
        self.classes = classes
        self.encoder = Encoder(dict(widths), classes, latent_size, hidden_size)
        self.generators = nn.ModuleDict(
            {
                name: Generator(width, classes, latent_size, hidden_size)
                for name, width in dict(widths).items()
            }
        )

    def generate(self, latent: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """All modalities from one latent: [B, latent_size] -> modality -> [B, width]."""
        return {name: layers(latent, labels) for name, layers in self.generators.items()}

    def forward(
        self, rows: Matrices, available: Mapping[str, Tensor], labels: Tensor
    ) -> dict[str, Tensor]:
        """Rows as their latent's mean gives them back; arguments as of `Encoder.forward`.

        Returns:
            modality -> [B, width], also where a row lacks the modality.
        """
        mean, _ = self.encoder(rows, available, labels)  # [B, latent]
        return self.generate(mean, labels)


class Critic(nn.Module):
    """Separates real rows from generated ones of the same class.

    Every layer has spectral norm 1 (Miyato et al. 2018, Spectral Normalization for GANs). The
    class enters as a projection, D(x, y) = w . h(x) + v_y . h(x) (Miyato & Koyama 2018, cGANs
    with Projection Discriminator).
    """

    def __init__(self, width: int, classes: int, hidden_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            spectral_norm(nn.Linear(width, hidden_size)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Linear(hidden_size, hidden_size)),
            nn.LeakyReLU(0.2),
        )
        self.score = spectral_norm(nn.Linear(hidden_size, 1))
        self.classes = spectral_norm(nn.Embedding(classes, hidden_size))

    def forward(self, rows: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Score B rows: [B, width] -> scores [B] and hidden features [B, hidden]."""
        hidden = self.layers(rows)  # [B, hidden]
        score = self.score(hidden).squeeze(1) + (self.classes(labels) * hidden).sum(dim=1)
        return score, hidden


class Critics(nn.Module):
    """A critic per modality, a joint critic over all of them, and an auxiliary classifier.

    The joint critic alone can see that a sample's modalities do not belong together; of a single
    modality it is the only one. The classifier reads the joint critic's hidden features (Odena et
    al. 2017, Conditional Image Synthesis with Auxiliary Classifier GANs).
    """

    def __init__(self, widths: Mapping[str, int], classes: int, hidden_size: int) -> None:
        super().__init__()
        self.scales = {name: ROW_LENGTH / width**0.5 for name, width in widths.items()}
        scored_apart = widths if len(widths) > 1 else {}
        self.each = nn.ModuleDict(
            {name: Critic(width, classes, hidden_size) for name, width in scored_apart.items()}
        )
        self.joint = Critic(sum(widths.values()) + len(widths), classes, hidden_size)
        self.classifier = nn.Linear(hidden_size, classes)

    def scored(self, available: Mapping[str, Tensor]) -> Tensor:
        """Which rows each critic scores: float32 [B, critics], 1 where it does."""
        each = [available[name] for name in self.each]
        all_rows = torch.ones_like(next(iter(available.values())))
        return torch.stack([*each, all_rows], dim=1).float()

    def forward(
        self, rows: Matrices, available: Mapping[str, Tensor], labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Score B rows, whose absent modalities are zeros.

        Returns:
            Scores [B, critics], the joint one last; class logits [B, classes].
        """
        scaled = {name: scale * rows[name] for name, scale in self.scales.items()}
        scores = [critic(scaled[name], labels)[0] for name, critic in self.each.items()]
        # The masks go in too: an absent modality is not one that happens to be at its mean.
        masks = torch.stack(list(available.values()), dim=1)  # [B, modalities]
        joined = torch.cat([*scaled.values(), masks], dim=1)
        score, hidden = self.joint(joined, labels)
        return torch.stack([*scores, score], dim=1), self.classifier(hidden)
