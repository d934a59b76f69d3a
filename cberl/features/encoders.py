"""What the settings of an encoder name: something shipped, a user's file, or a network to fetch.

Cheap to ask while the workflow is being read: nothing heavy is imported here.
"""

from collections.abc import Sequence
from pathlib import Path

from cberl.errors import InputError
from cberl.features.settings import FeatureSettings, TextEncoderSettings
from cberl.provenance import find_path

FUNCTIONALS = ("eGeMAPSv02", "ComParE_2016", "emobase", "IS09", "IS10", "IS11", "IS12", "IS13")
CONFIG_SUFFIX = ".conf"
# Weights come from safetensors alone, code from the libraries alone.
NEVER_LOADED = {
    *(".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack", ".onnx", ".ot", ".tflite"),
    *(".gguf", ".npz", ".py", ".md"),
}
PACKAGED_TEXT = "minilm"
PUBLISHED, UNTRAINED = "DEFAULT", "none"
TEXT_ENCODER = "features.text.encoder"
AUDIO_ENCODER = "features.audio.encoder"
VIDEO_WEIGHTS = "features.video.weights"
AUXILIARY = "features.text.finetune.auxiliary.file"


def is_speech_network(encoder: str) -> bool:
    """Whether an audio encoder is a network, rather than a set of openSMILE's."""
    return encoder not in FUNCTIONALS and not encoder.endswith(CONFIG_SUFFIX)


def encoder_files(settings: FeatureSettings, modalities: Sequence[str]) -> dict[str, list[str]]:
    """The user's own files that extraction reads, per modality.

    Args:
        settings: of all encoders.
        modalities: those that the run uses; nothing is asked of the others.

    Raises:
        InputError: a file that can be no name of something published is not there.
    """
    files: dict[str, list[str]] = {modality: [] for modality in modalities}
    for modality, encoder, key in (
        *(("text", one.encoder, TEXT_ENCODER) for one in settings.text.each),
        ("audio", settings.audio.encoder, AUDIO_ENCODER),
    ):
        if modality not in files:
            continue
        if encoder.endswith(CONFIG_SUFFIX):
            files[modality] = [_existing(encoder, key, "an openSMILE configuration file")]
        elif _looks_like_path(encoder) or find_path(encoder).is_dir():
            config = _existing(str(Path(encoder) / "config.json"), key, "the folder of an encoder")
            found = _loadable_files(Path(config).parent)
            files[modality] += [file for file in found if file not in files[modality]]
    weights = settings.video.weights
    if "video" in files and weights not in (PUBLISHED, UNTRAINED):
        expected = f"{PUBLISHED}, {UNTRAINED} or a file of weights"
        files["video"] = [_existing(weights, VIDEO_WEIGHTS, expected)]
    return files


def auxiliary_files(encoder: TextEncoderSettings) -> list[str]:
    """The table of labelled texts that a text encoder is fine-tuned on beside the corpus.

    Raises:
        InputError: it is not there.
    """
    file = encoder.finetune.auxiliary.file
    if not (file and encoder.finetune.enabled):
        return []
    return [_existing(file, AUXILIARY, "a table with columns text and label")]


def _loadable_files(folder: Path) -> list[str]:
    """The files of an encoder's folder that loading it may read, tokeniser's and all, sorted."""
    return sorted(
        str(file)
        for file in folder.iterdir()
        if file.is_file()
        and not file.name.startswith(".")
        and file.suffix.lower() not in NEVER_LOADED
    )


def _looks_like_path(encoder: str) -> bool:
    return encoder.startswith(("/", "./", "../", "~"))


def _existing(path: str, key: str, expected: str) -> str:
    found = find_path(path)
    if not found.is_file():
        raise InputError(f"{key}: no such file {path}; expected {expected}")
    return str(found)
