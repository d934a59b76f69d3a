"""Opening a bundle: everything that predicts, ready in memory."""

import gc
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cberl.artifacts import read_tensors
from cberl.errors import InputError
from cberl.features.settings import AudioSettings, TextSettings, VideoSettings
from cberl.fitting.network_files import load_network
from cberl.fuse.concatenate import concatenate_modalities
from cberl.fuse.vae.encode import fuse_with_vae
from cberl.fuse.vae.network import VAENetwork
from cberl.modalities import MODALITIES
from cberl.predict.bundle.manifest import Manifest, check_bundle, read_manifest
from cberl.predict.bundle.write import CONFIG_DIGEST, SCALER, network_name, text_name, vae_name
from cberl.provenance import file_digest, find_path
from cberl.rows import LabelledRows
from cberl.settings import read_settings
from cberl.train.network import ConversationNetwork

if TYPE_CHECKING:
    from cberl.features.audio.extract import AudioExtractor
    from cberl.features.text.extract import TextExtractor
    from cberl.features.video.extract import VideoExtractor


@dataclass(frozen=True)
class Models:
    """What a bundle predicts with.

    Attributes:
        folder, manifest, digest: the bundle, and what names it.
        device: of the encoders.
        scale: tensors that scale features.
        vaes: one a seed; none where fusion is ``concat``.
        networks: one a seed.
    """

    folder: Path
    manifest: Manifest
    digest: str
    device: str
    scale: dict[str, np.ndarray]
    vaes: list[VAENetwork]
    networks: list[ConversationNetwork]

    @cached_property
    def text(self) -> "TextExtractor | None":
        """None where the models do not read text; loaded at its first use."""
        from cberl.features.text.extract import TextExtractor

        settings = self._settings_of("text")
        weights = [self.folder / text_name(fold) for fold in range(_count(self.manifest, "text/"))]
        if settings is None:
            return None
        return TextExtractor(read_settings(TextSettings, settings), weights, self.device)

    @cached_property
    def audio(self) -> "AudioExtractor | None":
        """The same for sound."""
        from cberl.features.audio.extract import AudioExtractor

        settings = self._settings_of("audio")
        return settings and AudioExtractor(read_settings(AudioSettings, settings), self.device)

    @cached_property
    def video(self) -> "VideoExtractor | None":
        """The same for pictures."""
        from cberl.features.video.extract import VideoExtractor

        settings = self._settings_of("video")
        return settings and VideoExtractor(
            read_settings(VideoSettings, settings), device=self.device
        )

    def fuse(self, position: int, rows: LabelledRows) -> np.ndarray:
        """What the network at a position among the seeds reads of N rows: float32 [N, D]."""
        if self.vaes:
            return fuse_with_vae(self.vaes[position], rows)
        return concatenate_modalities(rows)

    def release_encoders(self) -> None:
        """Release the encoders; they are loaded again when they are next used."""
        for modality in MODALITIES:
            vars(self).pop(modality, None)
        gc.collect()

    def check_unchanged(self) -> None:
        """Refuse a bundle that another one stands in for by now, since encoders are read late.

        Raises:
            InputError: it was made anew since it was opened, or is gone.
        """
        if read_manifest(self.folder)[1] != self.digest:
            raise InputError(
                f"{self.folder}: was made anew since it was opened; expected it to be opened again"
            )

    def _settings_of(self, modality: str) -> dict[str, Any] | None:
        self.check_unchanged()
        own = self.manifest.features.get(modality)
        return None if own is None else _find_encoder(self.folder, own)

    def describe(self) -> dict[str, Any]:
        """The description of the models in outputs."""
        manifest = self.manifest
        return {
            "corpus": manifest.corpus,
            "variant": manifest.variant,
            "seeds": manifest.seeds,
            "temperatures": manifest.temperatures,
            "digest": self.digest,
        }


def open_bundle(folder: str | Path, device: str = "cpu") -> Models:
    """Check a bundle and load its networks; encoders are loaded when they are first needed.

    Args:
        device: ``cpu``, ``cuda`` or ``auto``, for the encoders.

    Raises:
        InputError: no bundle, a changed or missing file, other versions of libraries.
    """
    folder = Path(folder)
    manifest, digest = read_manifest(folder)
    check_bundle(folder, manifest)
    has_vae = _count(manifest, "vae/") > 0
    return Models(
        folder=folder,
        manifest=manifest,
        digest=digest,
        device=device,
        scale=read_tensors(folder / SCALER, "scaler")[0],
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
