"""A bundle is checked byte by byte before anything in it is used."""

import json

import numpy as np
import pytest

from cberl.artifacts import write_tensors
from cberl.cli import main
from cberl.digests import DIGEST_KEY, put_digest
from cberl.errors import InputError
from cberl.predict.bundle import manifest as manifests
from cberl.predict.bundle.manifest import check_bundle, read_manifest
from cberl.predict.bundle.write import CONFIG_DIGEST, Parts, write_bundle

SETTINGS = {
    "corpus": "demo",
    "variant": "cberl",
    "seeds": [0, 3],
    "variant_settings": {"fusion": "vae"},
    "modalities": ["text", "audio"],
    "media": {"frames": 4},
    "features": {
        "text": {"encoder": "minilm", "finetune": {"enabled": True}},
        "audio": {"encoder": "eGeMAPSv02"},
        "video": {"encoder": "resnet18", "weights": "none"},
    },
    "graph": {"past_window": 2, "future_window": 0},
}


def write_part(path, kind):
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {"w": np.zeros(3, np.float32), "temperature": np.array(1.75, np.float32)}
    write_tensors(path, kind, tensors, {"rule": kind}, {"classes": ["a", "b"]})
    return path


def parts(folder, **more):
    card = folder / "card.md"
    card.write_text(f"# A model\n\n<!-- {DIGEST_KEY}: xxh3_128:{32 * '0'} -->\n")
    return Parts(
        provenance={"rule": "bundle_model"},
        scaler=write_part(folder / "scaler.safetensors", "scaler"),
        networks=[write_part(folder / f"n{seed}.safetensors", "network") for seed in (0, 3)],
        vaes=[write_part(folder / f"v{seed}.safetensors", "vae") for seed in (0, 3)],
        text_weights=[write_part(folder / "fold0.safetensors", "encoder")],
        card=card,
        **more,
    )


@pytest.fixture
def bundle(tmp_path):
    write_bundle(tmp_path / "bundle", parts(tmp_path), SETTINGS)
    return tmp_path / "bundle"


FILES = [
    *("manifest.json", "model_card.md", "network/seed0.safetensors", "network/seed3.safetensors"),
    *("scaler.safetensors", "text/fold0.safetensors", "vae/seed0.safetensors"),
    "vae/seed3.safetensors",
]


def test_a_bundle_holds_what_prediction_needs_and_nothing_else(bundle):
    found = [str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()]
    assert sorted(found) == FILES
    manifest, digest = read_manifest(bundle)
    check_bundle(bundle, manifest)
    assert digest.startswith("xxh3_128:")
    assert manifest.seeds == [0, 3]
    assert manifest.classes == ["a", "b"]
    assert manifest.temperatures == [1.75, 1.75]
    assert manifest.online
    assert manifest.features == {"text": {"encoder": "minilm"}, "audio": {"encoder": "eGeMAPSv02"}}
    assert set(manifest.libraries) >= {"numpy", "torch", "transformers", "opensmile"}
    assert "torchvision" not in manifest.libraries
    assert "at temperatures 1.75, 1.75" in (bundle / "model_card.md").read_text()


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_noticed(bundle, name):
    path = bundle / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        check_bundle(bundle, read_manifest(bundle)[0])
    assert str(refusal.value).startswith(str(path))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", [name for name in FILES if name != "manifest.json"])
def test_a_missing_file_is_named(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(InputError, match="no such file; the bundle's manifest names it"):
        check_bundle(bundle, read_manifest(bundle)[0])


def test_a_file_that_the_manifest_does_not_name_is_refused(bundle):
    (bundle / ".DS_Store").write_text("")
    check_bundle(bundle, read_manifest(bundle)[0])
    (bundle / "text/pytorch_model.bin").write_text("")
    with pytest.raises(InputError, match="is not in the bundle's manifest"):
        check_bundle(bundle, read_manifest(bundle)[0])


def test_what_is_no_bundle(tmp_path):
    with pytest.raises(InputError, match="no such file; expected the folder of a bundle"):
        read_manifest(tmp_path)


def test_a_bundle_of_another_format(bundle):
    path = bundle / "manifest.json"
    content = json.loads(path.read_text()) | {"format": 99}
    path.write_text(json.dumps(content))
    put_digest(path)
    with pytest.raises(InputError, match="is of format 99; expected 1, as cberl"):
        read_manifest(bundle)


@pytest.mark.parametrize(
    ("version", "fits"), [("2.13.7", True), ("2.13.0+cpu", True), ("2.14.0", False), (None, False)]
)
def test_other_versions_of_libraries_are_refused_by_name(bundle, monkeypatch, version, fits):
    manifest, _ = read_manifest(bundle)
    here = manifest.libraries | {"torch": version}
    monkeypatch.setattr(manifests, "feature_library_versions", lambda modalities: here)
    if fits:
        check_bundle(bundle, manifest)
        return
    with pytest.raises(InputError, match=f"was made with torch .*, here is {version or 'none'}"):
        check_bundle(bundle, manifest)


def test_encoders_of_the_users_own_go_along(tmp_path):
    mine = tmp_path / "my-encoder"
    mine.mkdir()
    for name in ("config.json", "manifest.json", "vocab.txt", "model.safetensors"):
        (mine / name).write_text(name)
    config = tmp_path / "own.conf"
    config.write_text("[componentInstances]")
    files = {"text": sorted(map(str, mine.iterdir())), "audio": [str(config)]}
    settings = SETTINGS | {"features": SETTINGS["features"] | {"text": {"encoder": str(mine)}}}
    write_bundle(tmp_path / "bundle", parts(tmp_path, encoder_files=files), settings)
    manifest, _ = read_manifest(tmp_path / "bundle")
    check_bundle(tmp_path / "bundle", manifest)
    assert manifest.features["text"]["encoder"] == "./encoders/text/my-encoder"
    assert (tmp_path / "bundle/encoders/text/my-encoder/vocab.txt").read_text() == "vocab.txt"
    # An openSMILE configuration can name files to be written: it stays where it is.
    assert manifest.features["audio"]["encoder"] == str(config)
    assert len(manifest.features["audio"][CONFIG_DIGEST]) == 64
    assert not list((tmp_path / "bundle").rglob("*.conf"))


def test_several_text_encoders_go_along_each_in_a_folder_of_its_own(tmp_path):
    folders = [tmp_path / place / "my-encoder" for place in ("one", "other")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(str(folder))
    files = {"text": [str(folder / "config.json") for folder in folders]}
    tuned = {"finetune": {"enabled": True}}
    text = {"encoder": "minilm", "encoders": [{"encoder": str(one)} | tuned for one in folders]}
    settings = SETTINGS | {"features": SETTINGS["features"] | {"text": text}}
    write_bundle(tmp_path / "bundle", parts(tmp_path, encoder_files=files), settings)
    manifest, _ = read_manifest(tmp_path / "bundle")
    places = [encoder["encoder"] for encoder in manifest.features["text"]["encoders"]]
    assert places == ["./encoders/text/my-encoder", "./encoders/text/my-encoder-1"]
    for place, folder in zip(places, folders, strict=True):
        assert (tmp_path / "bundle" / place / "config.json").read_text() == str(folder)
    assert not any("finetune" in encoder for encoder in manifest.features["text"]["encoders"])


def test_the_command_lists_what_is_inside(bundle, capsys):
    assert main(["bundle", str(bundle), "--list"]) == 0
    out = capsys.readouterr().out
    assert "variant cberl of corpus demo, whole" in out
    assert "context      the past alone" in out
    assert all(name in out for name in FILES)
    (bundle / "scaler.safetensors").unlink()
    assert main(["bundle", str(bundle)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
