"""Settings of oversampling."""

from dataclasses import dataclass

from cberl.settings import section, setting


@dataclass(frozen=True)
class SmoteSettings:
    """SMOTE (imbalanced-learn)."""

    neighbours: int = setting(
        "Nearest neighbours of the same class to interpolate with.", 5, minimum=1
    )


@dataclass(frozen=True)
class GANSettings:
    """The multimodal GAN."""

    latent_size: int = setting(
        "Width of the latent that drives every modality's generator.", 128, minimum=2
    )
    hidden_size: int = setting("Width of the hidden layers.", 256, minimum=4)
    epochs: int = setting("Passes over the training rows.", 40, minimum=1)
    batch_size: int = setting("Training rows per step.", 512, minimum=2)
    learning_rate: float = setting(
        "Adam's step size for encoder and generators; the critics' is twice that.",
        0.001,
        exclusive_minimum=0,
    )
    class_weight: float = setting("Weight of the classification term.", 1, minimum=0)
    identity_weight: float = setting(
        "Weight of the identity (reconstruction) term.", 100, minimum=0
    )
    divergence_weight: float = setting(
        "Weight of the latent's divergence from a standard normal.", 0.1, minimum=0
    )
    average_decay: float = setting(
        "Decay of the generators' exponential moving average, per update.",
        0.99,
        minimum=0,
        exclusive_maximum=1,
    )


@dataclass(frozen=True)
class OversampleSettings:
    """Making new samples of rare emotions, from training rows only."""

    target: int | str = setting(
        "Rows per class to reach; balanced (as many as the largest class), sqrt "
        "(geometric mean of the class and the largest one) or a number.",
        "sqrt",
        one_of=[{"enum": ["balanced", "sqrt"]}, {"type": "integer", "minimum": 1}],
    )
    smote: SmoteSettings = section(SmoteSettings)
    gan: GANSettings = section(GANSettings)
