"""Encoders that others made: their code is not run, and a name with a commit stays what it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_encoders import speech_encoder, text_encoder

OWN_CODE = """
from pathlib import Path
from transformers import BertConfig, BertModel, BertTokenizer, Wav2Vec2FeatureExtractor
Path({witness!r}).write_text("run")
class Own(BertConfig):
    model_type = "own"
class OwnModel(BertModel):
    config_class = Own
OwnTokenizer, OwnExtractor = BertTokenizer, Wav2Vec2FeatureExtractor
"""
LOAD_TEXT = """
import sys
from cberl.features.text.transformer import load_transformer
print(load_transformer(sys.argv[1]).name)
"""
LOAD_SPEECH = """
import sys
from cberl.features.audio.speech import SpeechNetwork
print(SpeechNetwork(sys.argv[1], "cpu").describe()["encoder"])
"""


def load(program, encoder, **environment):
    """Load an encoder in a process that says yes to every question."""
    return subprocess.run(
        [sys.executable, "-c", program, encoder],
        input="y\n" * 20,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | environment,
    )


def add_own_code(folder: Path, name: str, kinds: dict[str, str], witness: Path, **fields) -> None:
    """Let a configuration of an encoder's folder name classes in a module beside it."""
    (folder / "own.py").write_text(OWN_CODE.format(witness=str(witness)))
    path = folder / name
    content = json.loads(path.read_text()) if path.exists() else {}
    content |= {"auto_map": {kind: f"own.{target}" for kind, target in kinds.items()}, **fields}
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("program", "make", "name", "kinds", "fields"),
    [
        (
            *(LOAD_TEXT, text_encoder, "config.json"),
            {"AutoConfig": "Own", "AutoModel": "OwnModel"},
            {"model_type": "own"},
        ),
        (
            *(LOAD_TEXT, text_encoder, "tokenizer_config.json"),
            {"AutoTokenizer": ["OwnTokenizer", None]},
            {"tokenizer_class": "OwnTokenizer"},
        ),
        (
            *(LOAD_SPEECH, speech_encoder, "config.json"),
            {"AutoConfig": "Own", "AutoModel": "OwnModel"},
            {"model_type": "own"},
        ),
        (
            *(LOAD_SPEECH, speech_encoder, "preprocessor_config.json"),
            {"AutoFeatureExtractor": "OwnExtractor"},
            {"feature_extractor_type": "OwnExtractor"},
        ),
    ],
    ids=["text model", "tokenizer", "speech model", "feature extractor"],
)
def test_the_code_of_an_encoders_folder_is_not_run(tmp_path, program, make, name, kinds, fields):
    folder, witness = make(tmp_path / "encoder"), tmp_path / "witness"
    add_own_code(folder, name, kinds, witness, **fields)
    done = load(program, str(folder))
    assert not witness.exists()
    assert "custom code? [y/N]" not in done.stdout + done.stderr
    assert done.returncode == 0 or "InputError: features." in done.stderr


def test_code_that_an_encoder_needs_is_named(tmp_path):
    folder = text_encoder(tmp_path / "encoder")
    kinds = {"AutoConfig": "Own", "AutoModel": "OwnModel"}
    add_own_code(folder, "config.json", kinds, tmp_path / "witness", model_type="own")
    last = load(LOAD_TEXT, str(folder)).stderr.strip().splitlines()[-1]
    assert "features.text.encoder" in last
    assert "comes with Python code of its own, which is not run" in last


def publish(cache: Path, commit: str, width: int) -> None:
    """Put an encoder into a Hugging Face cache, as if it had been fetched; ``main`` is the last."""
    home = cache / "models--some--encoder"
    text_encoder(home / "snapshots" / commit, width=width)
    (home / "refs").mkdir(exist_ok=True)
    (home / "refs/main").write_text(commit)


@pytest.mark.parametrize("pin", ["", "@" + "a" * 40])
def test_a_name_with_a_commit_stays_what_it_is(tmp_path, pin):
    program = LOAD_TEXT + "print(load_transformer(sys.argv[1]).width)"
    publish(tmp_path, "a" * 40, 16)
    publish(tmp_path, "b" * 40, 32)
    done = load(program, f"some/encoder{pin}", HF_HUB_CACHE=str(tmp_path), HF_HUB_OFFLINE="1")
    commit, width = ("a" * 40, "16") if pin else ("b" * 40, "32")
    assert done.stdout.split() == [f"some/encoder@{commit}", width], done.stderr
