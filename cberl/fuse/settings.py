"""Settings of fusion."""

from dataclasses import dataclass

from cberl.settings import section, setting


@dataclass(frozen=True)
class VAESettings:
    """The joint variational autoencoder."""

    latent_size: int = setting("Width of the latent.", 128, minimum=2)
    hidden_size: int = setting("Width of the hidden layers.", 256, minimum=4)
    dropout: float = setting(
        "Share of the encoders' inputs and hidden units dropped in training (0 to 1).",
        0.3,
        minimum=0,
        exclusive_maximum=1,
    )
    epochs: int = setting("Most passes over the training rows.", 100, minimum=1)
    patience: int = setting(
        "Epochs without a better dev loss before training stops.", 10, minimum=1
    )
    batch_size: int = setting("Training rows per step.", 256, minimum=2)
    learning_rate: float = setting("Adam's step size.", 0.001, exclusive_minimum=0)
    kl_weight: float = setting(
        "Weight of the divergence from the prior once annealing has ended.", 1, minimum=0
    )
    annealing_epochs: int = setting(
        "Epochs over which the divergence's weight rises from 0.", 10, minimum=0
    )
    class_weight: float = setting(
        "Weight of the supervised term that keeps classes apart; no effect where text encoders are "
        "fine-tuned in folds.",
        1,
        minimum=0,
    )
    modality_dropout: float = setting(
        "Chance of hiding a modality from a training row (0 to 1).",
        0.2,
        minimum=0,
        exclusive_maximum=1,
    )


@dataclass(frozen=True)
class FuseSettings:
    """Turning the modalities into one vector per utterance."""

    vae: VAESettings = section(VAESettings)
