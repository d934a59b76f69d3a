"""Settings of training."""

from dataclasses import dataclass
from typing import Literal

from cberl.settings import setting

EPOCHS_AVERAGED = 5
"""The macro-F1 of one epoch is too much of chance to choose by; docs/results.md has figures."""


@dataclass(frozen=True)
class TrainSettings:
    """The multi-task graph network; what differs between variants is in the variants table."""

    hidden_size: int = setting("Width of the hidden layers; even.", 128, minimum=2, multiple_of=2)
    graph_layers: int = setting("Relational graph convolutions.", 2, minimum=1)
    dropout: float = setting(
        "Share of hidden units dropped in training (0 to 1).", 0.3, minimum=0, exclusive_maximum=1
    )
    epochs: int = setting("Most passes over the training dialogues.", 60, minimum=1)
    patience: int = setting(
        "Epochs without a better score on dev before training stops.", 10, minimum=1
    )
    batch_dialogues: int = setting("Dialogues per step.", 32, minimum=1)
    learning_rate: float = setting("AdamW's step size.", 0.0005, exclusive_minimum=0)
    weight_decay: float = setting("AdamW's weight decay.", 0.01, minimum=0)
    mask_rate: float = setting(
        "Share of nodes hidden for the reconstruction task (0 to 1).", 0.3, minimum=0, maximum=1
    )


@dataclass(frozen=True)
class VariantSettings:
    """One way of training that is run, evaluated and compared; tab-separated columns."""

    variant: str = setting(
        "Name of the variant in paths, tables and plots.", pattern="^[a-z][a-z0-9_]*$"
    )
    oversampler: Literal["none", "random", "smote", "gan"] = setting(
        "Where new samples of rare classes come from."
    )
    fusion: Literal["concat", "vae"] = setting("How modalities become one vector.")
    loss: Literal[
        "cross_entropy",
        "class_weights",
        "class_balanced",
        "focal",
        "ldam",
        "logit_adjustment",
    ] = setting("Classification loss.")
    dialogue_sampling: Literal["uniform", "class_aware"] = setting(
        "Order of training dialogues; uniform, or class_aware (dialogues with rare classes more "
        "often)."
    )
    mask_weight: float = setting(
        "Weight of the masked-node reconstruction; 0 leaves the task out.", minimum=0
    )
    adjustment: Literal["none", "chosen"] = setting(
        "Last step: none, or logits adjusted for class frequencies by a strength chosen on dev, "
        "with fine-tuned encoders on held-out training rows too. "
        "A temperature is chosen in either case.",
        "none",
    )
    synthetic_rows: Literal["all", "chosen"] = setting(
        "Synthetic rows in training: all, or chosen (all or none, by their gain on dev).",
        "all",
    )
