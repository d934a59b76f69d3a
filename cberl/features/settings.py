"""Settings of the encoders."""

from dataclasses import dataclass
from typing import Literal

from cberl.settings import section, setting


@dataclass(frozen=True)
class AuxiliarySettings:
    """Labelled texts of another source that fine-tuning sees beside the training split."""

    file: str = setting(
        "A table (TSV, CSV, JSON Lines, Excel, Parquet) with columns text and label; empty: none. "
        "Texts that also occur in the corpus are left out.",
        "",
    )
    columns: dict[str, str] = setting(
        "Which of its columns are text and label, if they have other names: `{comment: text}`.",
        {},
    )
    encoding: str = setting("As corpus.encoding, of the table.", "auto")
    labels: dict[str, str] = setting(
        "Which of its labels are used, and their classes: `{scared: fear}`. Empty: labels "
        "that are classes of the corpus.",
        {},
    )


@dataclass(frozen=True)
class FinetuneSettings:
    """Training the encoder on the training split's labels before it is used."""

    enabled: bool = setting(
        "Whether to fine-tune; otherwise the encoder is used as it was published.", False
    )
    folds: int = setting(
        "Encoders trained, each without the labels of its share of the training "
        "dialogues. Their class log-probabilities are appended to the published encoder's "
        "vectors: for a training utterance those of the encoder that has not seen its label, "
        "for others the mean. With 1, a single encoder sees all labels, and its vectors "
        "are the features.",
        1,
        minimum=1,
    )
    epochs: int = setting(
        "Most passes over the training utterances; the learning rate falls to 0 over them.",
        6,
        minimum=1,
    )
    patience: int = setting(
        "Epochs without a better dev macro-F1 before training stops.", 2, minimum=1
    )
    batch_size: int = setting("Utterances per step.", 32, minimum=1)
    learning_rate: float = setting("AdamW's largest step size.", 5e-05, exclusive_minimum=0)
    warmup: float = setting(
        "Share of the steps over which the learning rate rises from 0 (0 to 1).",
        0.1,
        minimum=0,
        exclusive_maximum=1,
    )
    weight_decay: float = setting("AdamW's weight decay.", 0.01, minimum=0)
    dropout: float = setting(
        "Share of the pooled vector dropped before the classifier (0 to 1).",
        0.1,
        minimum=0,
        exclusive_maximum=1,
    )
    frozen_layers: int = setting(
        "Lower layers that keep their published weights. Half of them costs little and saves half "
        "of the time.",
        0,
        minimum=0,
    )
    seed: int = setting(
        "Seed of the folds and, with the number of a fold added, of its order of "
        "utterances, dropout and classifier.",
        0,
        minimum=0,
    )
    precision: Literal["auto", "float32", "bfloat16"] = setting(
        "Of matrix products in training. `bfloat16` takes half the time on processors "
        "with AMX; `auto` is `bfloat16` on a GPU and `float32` elsewhere.",
        "auto",
    )
    auxiliary: AuxiliarySettings = section(AuxiliarySettings)


@dataclass(frozen=True)
class TextEncoderSettings:
    """A text encoder."""

    encoder: str = setting(
        "minilm (inside a package, no download), a Hugging Face name (with a commit as "
        "name@commit: always the same files) or a local folder.",
        "minilm",
    )
    pooling: Literal["mean", "cls"] = setting("How token vectors become one vector.", "mean")
    context_turns: int | str = setting(
        "Turns of the dialogue that the encoder sees beside the utterance, with speaker "
        "names; a number of previous ones, or all, earlier and later.",
        0,
        one_of=[{"enum": ["all"]}, {"type": "integer", "minimum": 0}],
    )
    next_turns: int = setting(
        "Later turns that it sees, too, if context_turns is a number.", 0, minimum=0
    )
    max_tokens: int = setting(
        "Tokens per sequence; a longer one loses the turns furthest from the utterance, or with "
        "context_turns all is cut in two.",
        128,
        minimum=8,
    )
    batch_size: int = setting("Utterances per batch.", 64, minimum=1)
    finetune: FinetuneSettings = section(FinetuneSettings)


@dataclass(frozen=True)
class TextSettings(TextEncoderSettings):
    """The text encoder, or several."""

    encoders: tuple[TextEncoderSettings, ...] = setting(
        "Several encoders in place of the one above, each with keys of its own as features.text "
        "has them, from encoder to finetune. Their vectors are concatenated; the class "
        "log-probabilities of those that are fine-tuned in folds are averaged.",
        (),
    )

    @property
    def each(self) -> tuple[TextEncoderSettings, ...]:
        """The encoders, one or several."""
        return self.encoders or (self,)


@dataclass(frozen=True)
class AudioSettings:
    """The audio encoder."""

    encoder: str = setting(
        "A functionals set of openSMILE (eGeMAPSv02, ComParE_2016, emobase, IS09, IS10, "
        "IS11, IS12 or IS13), an openSMILE configuration file of your own (name.conf), or "
        "a speech network (a Hugging Face name such as facebook/wav2vec2-base, with a commit "
        "as name@commit or without, or a local folder, with a / in it).",
        "eGeMAPSv02",
        one_of=[
            {
                "enum": [
                    "eGeMAPSv02",
                    "ComParE_2016",
                    "emobase",
                    "IS09",
                    "IS10",
                    "IS11",
                    "IS12",
                    "IS13",
                ]
            },
            {"type": "string", "pattern": "\\.conf$", "title": "a path that ends in .conf"},
            {
                "type": "string",
                "pattern": "/.*(?<!\\.conf)$",
                "title": "a name or path with a / in it",
            },
        ],
    )


@dataclass(frozen=True)
class VideoSettings:
    """The video encoder."""

    encoder: str = setting("An image or video network of torchvision, by name.", "densenet121")
    weights: str = setting(
        "DEFAULT for the published weights, none for an untrained network, or a local file.",
        "DEFAULT",
    )
    batch_size: int = setting("Clips per batch.", 8, minimum=1)


@dataclass(frozen=True)
class FeatureSettings:
    """Encoders, one per modality."""

    text: TextSettings = section(TextSettings)
    audio: AudioSettings = section(AudioSettings)
    video: VideoSettings = section(VideoSettings)
