"""Loading a transformer from a folder that is not as it should be."""

import json
import shutil
from pathlib import Path

import pytest

from cberl.errors import InputError
from cberl.features.text.transformer import load_transformer, locate


@pytest.fixture
def copied_encoder(tmp_path):
    """The packaged encoder in a folder of its own, to be spoilt."""
    _, source = locate("minilm")
    return Path(shutil.copytree(source, tmp_path / "encoder"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", b"hello"),
        ("model.safetensors", b"\xff" * 100),
        ("config.json", b"[]"),
        ("config.json", b'{"model_type": "none of these"}'),
        ("tokenizer.json", b"{}"),
    ],
)
def test_a_folder_with_broken_files_is_refused_in_one_line(copied_encoder, name, content):
    (copied_encoder / name).write_bytes(content)
    with pytest.raises(InputError, match=r"encoder cannot be loaded; it needs config") as caught:
        load_transformer(str(copied_encoder))
    assert "\n" not in str(caught.value)


def test_a_folder_without_its_vocabulary_is_refused(copied_encoder):
    """transformers makes a tokeniser all the same, which takes every word for unknown."""
    for name in ("tokenizer.json", "vocab.txt"):
        (copied_encoder / name).unlink()
    with pytest.raises(InputError, match=r"has no vocabulary; its folder needs tokenizer\.json"):
        load_transformer(str(copied_encoder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_hidden_layers": 10**6}, r"config\.json has 1000000 layers, expected at most 1000"),
        ({"type_vocab_size": 23_728_255}, r"config\.json has \d+ weights, their files have \d+"),
        ({"hidden_size": 10**15}, r"encoder cannot be loaded"),
        ({"type_vocab_size": 3}, r"cannot be loaded|has no weights for embeddings\.token_type"),
    ],
)
def test_a_configuration_that_outgrows_its_weights_is_refused(copied_encoder, change, message):
    """Such a network would be made first, and its absent weights be drawn."""
    path = copied_encoder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message) as caught:
        load_transformer(str(copied_encoder))
    assert "\n" not in str(caught.value)
