"""What the names of encoders stand for."""

import shutil

import pytest
from made_encoders import text_encoder

from cberl.errors import InputError
from cberl.features.encoders import encoder_files, is_speech_network
from cberl.features.settings import (
    AudioSettings,
    FeatureSettings,
    TextSettings,
    VideoSettings,
)
from cberl.features.text.transformer import load_transformer

MODALITIES = ["text", "audio", "video"]


def settings(text="minilm", audio="eGeMAPSv02", weights="DEFAULT"):
    return FeatureSettings(
        TextSettings(encoder=text), AudioSettings(encoder=audio), VideoSettings(weights=weights)
    )


def test_what_is_shipped_or_fetched_needs_no_file():
    names = settings("roberta-base", "facebook/wav2vec2-base", "none")
    assert encoder_files(names, MODALITIES) == {"text": [], "audio": [], "video": []}
    assert encoder_files(settings(), MODALITIES) == {"text": [], "audio": [], "video": []}


def test_a_users_files_are_listed(tmp_path):
    encoder = tmp_path / "encoder"
    encoder.mkdir()
    for name in ("encoder/config.json", "encoder/model.safetensors", "own.conf", "weights.pth"):
        (tmp_path / name).touch()
    files = encoder_files(
        settings(str(encoder), str(tmp_path / "own.conf"), str(tmp_path / "weights.pth")),
        MODALITIES,
    )
    assert files["text"] == [str(encoder / "config.json"), str(encoder / "model.safetensors")]
    assert files["audio"] == [str(tmp_path / "own.conf")]
    assert files["video"] == [str(tmp_path / "weights.pth")]


def test_all_that_loading_an_encoder_reads_is_listed(tmp_path):
    read = [
        *("config.json", "merges.txt", "model.safetensors", "model.safetensors.index.json"),
        *("preprocessor_config.json", "special_tokens_map.json", "spiece.model"),
        *("tokenizer.json", "tokenizer_config.json", "vocab.json", "vocab.txt"),
    ]
    passed_over = ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "model.onnx")
    for name in (*read, *passed_over, "optimizer.pt", "README.md", ".gitattributes"):
        (tmp_path / name).touch()
    (tmp_path / "onnx").mkdir()
    files = encoder_files(settings(text=str(tmp_path), audio=str(tmp_path)), MODALITIES)
    assert files["text"] == files["audio"] == [str(tmp_path / name) for name in sorted(read)]


def test_the_files_of_a_saved_encoder_are_enough_to_load_it(tmp_path):
    """What is not listed may change without notice: it must not be needed."""
    saved = text_encoder(tmp_path / "saved", "roberta")
    for name in ("pytorch_model.bin", "README.md"):
        (saved / name).write_text("broken")
    (tmp_path / "copied").mkdir()
    for file in encoder_files(settings(text=str(saved)), ["text"])["text"]:
        shutil.copy(file, tmp_path / "copied")
    first, second = (load_transformer(str(tmp_path / name)) for name in ("saved", "copied"))
    text = "Hello, how are you?"
    assert first.tokenizer(text)["input_ids"] == second.tokenizer(text)["input_ids"]


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
