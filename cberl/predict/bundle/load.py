"""Opening a bundle: everything that predicts, ready in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cberl.errors import InputError
from cberl.features.audio.extract import AudioExtractor
from cberl.features.settings import AudioSettings, TextSettings, VideoSettings
from cberl.features.text.extract import TextExtractor
from cberl.features.video.extract import VideoExtractor
from cberl.fitting.network_files import load_network
from cberl.fuse.vae.network import VAENetwork
from cberl.predict.bundle.manifest import Manifest, check_bundle, read_manifest
from cberl.predict.bundle.write import CONFIG_DIGEST, SCALER, network_name, text_name, vae_name
from cberl.provenance import file_digest, find_path
from cberl.settings import read_settings
from cberl.train.network import ConversationNetwork

SETTINGS = {"text": TextSettings, "audio": AudioSettings, "video": VideoSettings}


@dataclass(frozen=True)
class Models:
    """What a bundle predicts with.

    Attributes:
        folder, manifest, digest: the bundle, and what names it.
        text, audio, video: extractors; None where the models do not read the modality.
        scaler: path of the tensors that scale features.
        vaes: one a seed; none where fusion is ``concat``.
        networks: one a seed.
    """

    folder: Path
    manifest: Manifest
    digest: str
    text: TextExtractor | None
    audio: AudioExtractor | None
    video: VideoExtractor | None
    scaler: Path
    vaes: list[VAENetwork]
    networks: list[ConversationNetwork]

    def describe(self) -> dict[str, Any]:
        """What outputs say of the models."""
        manifest = self.manifest
        return {
            "corpus": manifest.corpus,
            "variant": manifest.variant,
            "seeds": manifest.seeds,
            "temperature": manifest.temperature,
            "digest": self.digest,
        }


def open_bundle(folder: str | Path, device: str = "cpu") -> Models:
    """Check a bundle and load its models.

    Args:
        device: ``cpu``, ``cuda`` or ``auto``, for the encoders.

    Raises:
        InputError: no bundle, a changed or missing file, other versions of libraries, an encoder
            that cannot be had.
    """
    folder = Path(folder)
    manifest, digest = read_manifest(folder)
    check_bundle(folder, manifest)
    settings = {
        name: read_settings(SETTINGS[name], _find_encoder(folder, own))
        for name, own in manifest.features.items()
    }
    weights = [folder / text_name(fold) for fold in range(_count(manifest, "text/fold"))]
    has_vae = _count(manifest, "vae/") > 0
    return Models(
        folder=folder,
        manifest=manifest,
        digest=digest,
        text=TextExtractor(settings["text"], weights, device) if "text" in settings else None,
        audio=AudioExtractor(settings["audio"], device) if "audio" in settings else None,
        video=VideoExtractor(settings["video"], device=device) if "video" in settings else None,
        scaler=folder / SCALER,
        vaes=[
            load_network(folder / vae_name(seed), "vae", VAENetwork)[0]
            for seed in manifest.seeds
            if has_vae
        ],
        networks=[
            load_network(folder / network_name(seed), "network", ConversationNetwork)[0]
            for seed in manifest.seeds
        ],
    )


def _count(manifest: Manifest, prefix: str) -> int:
    return sum(name.startswith(prefix) for name in manifest.files)


def _find_encoder(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of one modality, with the places of what lies in the bundle."""
    found = dict(settings)
    digest = found.pop(CONFIG_DIGEST, None)
    if digest is not None:
        path = find_path(found["encoder"])
        if not path.is_file() or file_digest(path) != digest:
            raise InputError(
                f"{found['encoder']}: is not the openSMILE configuration that {folder} was made"
                " with; expected that file there"
            )
    for key in ("encoder", "weights"):
        if str(found.get(key, "")).startswith("./"):
            found[key] = str((folder / found[key]).absolute())
    if "encoders" in found:
        found["encoders"] = [_find_encoder(folder, own) for own in found["encoders"]]
    return found
