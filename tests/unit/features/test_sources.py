"""What the names of encoders stand for."""

import pytest

from cberl.errors import InputError
from cberl.features.sources import encoder_files, is_speech_network

MODALITIES = ["text", "audio", "video"]


def settings(text="minilm", audio="eGeMAPSv02", weights="DEFAULT"):
    return {
        "text": {"encoder": text},
        "audio": {"encoder": audio},
        "video": {"weights": weights},
    }


def test_what_is_shipped_or_fetched_needs_no_file():
    names = settings("roberta-base", "facebook/wav2vec2-base", "none")
    assert encoder_files(names, MODALITIES) == {"text": [], "audio": [], "video": []}
    assert encoder_files(settings(), MODALITIES) == {"text": [], "audio": [], "video": []}


def test_a_users_files_are_listed(tmp_path):
    for name in ("config.json", "model.safetensors", "own.conf", "weights.pth"):
        (tmp_path / name).touch()
    files = encoder_files(
        settings(str(tmp_path), str(tmp_path / "own.conf"), str(tmp_path / "weights.pth")),
        MODALITIES,
    )
    assert files["text"] == [str(tmp_path / "config.json"), str(tmp_path / "model.safetensors")]
    assert files["audio"] == [str(tmp_path / "own.conf")]
    assert files["video"] == [str(tmp_path / "weights.pth")]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"text": "./absent"}, r"features.text.encoder: no such file absent/config.json"),
        ({"audio": "absent.conf"}, r"features.audio.encoder: no such file absent.conf"),
        ({"weights": "Default"}, r"features.video.weights: no such file Default; expected DEFAULT"),
    ],
)
def test_absent_files_are_refused_unless_the_modality_is_not_used(names, message):
    with pytest.raises(InputError, match=message):
        encoder_files(settings(**names), MODALITIES)
    assert encoder_files(settings(**names), []) == {}


def test_speech_networks_are_told_from_functionals():
    assert is_speech_network("facebook/hubert-base-ls960")
    assert not is_speech_network("IS10")
    assert not is_speech_network("folder/own.conf")
