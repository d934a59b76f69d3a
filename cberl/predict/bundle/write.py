"""Putting a bundle together from the results of a run."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cberl
from cberl.artifacts import read_tensors, write_page, write_tensors
from cberl.digests import DIGEST_KEY
from cberl.features.encoders import CONFIG_SUFFIX, PUBLISHED, UNTRAINED
from cberl.features.video.backbone import read_weights
from cberl.predict.bundle.manifest import (
    CARD,
    FORMAT,
    Manifest,
    describe_files,
    feature_library_versions,
    write_manifest,
)
from cberl.provenance import file_digest, find_path, git_commit

SCALER, VIDEO = "scaler.safetensors", "video/network.safetensors"
CONFIG_DIGEST = "encoder_sha256"
"""Beside the path of an openSMILE configuration file, which stays where it is."""


@dataclass(frozen=True)
class Parts:
    """The artifacts of one variant that go into its bundle.

    Attributes:
        provenance: of the job, for what is written anew.
        scaler: tensors ``scaler``.
        networks: tensors ``network``, one file a seed.
        vaes: tensors ``vae``, one file a seed; none where fusion is ``concat``.
        text_weights: tensors ``encoder`` of the fine-tuned text encoder, one file a fold.
        video_network: published weights of the video network, if they are used.
        encoder_files: modality -> files of the encoder's folder, where it is the user's own.
        card: the model card.
    """

    provenance: Mapping[str, Any]
    scaler: Path
    networks: Sequence[Path]
    card: Path
    vaes: Sequence[Path] = ()
    text_weights: Sequence[Path] = ()
    video_network: Path | None = None
    encoder_files: Mapping[str, Sequence[Path]] = field(default_factory=dict)


def write_bundle(folder: Path, parts: Parts, settings: Mapping[str, Any]) -> Manifest:
    """Copy the parts into an empty folder and write the manifest.

    Args:
        settings: ``corpus``, ``variant``, ``seeds``, ``variant_settings``, ``modalities``, and the
            sections ``media``, ``features`` and ``graph`` of the configuration.

    Returns:
        the manifest that was written.
    """
    _copy(parts.scaler, folder / SCALER)
    for seed, network in zip(settings["seeds"], parts.networks, strict=True):
        _copy(network, folder / network_name(seed))
    for seed, vae in zip(settings["seeds"], parts.vaes, strict=True) if parts.vaes else ():
        _copy(vae, folder / vae_name(seed))
    for fold, weights in enumerate(parts.text_weights):
        _copy(weights, folder / text_name(fold))
    features = _pack_encoders(folder, parts, settings)
    networks = [read_tensors(path, "network") for path in parts.networks]
    classes = networks[0][1]["classes"]
    temperatures = [round(tensors["temperature"].item(), 6) for tensors, _ in networks]
    # The card's own digest, its last line, would not fit the longer one.
    lines = parts.card.read_text(encoding="utf-8").splitlines()
    card = "\n".join(line for line in lines if DIGEST_KEY not in line)
    write_page(folder / CARD, _opening(settings, temperatures) + card)
    manifest = Manifest(
        format=FORMAT,
        cberl_version=cberl.__version__,
        git_commit=git_commit(),
        corpus=settings["corpus"],
        variant=settings["variant"],
        seeds=list(settings["seeds"]),
        variant_settings=dict(settings["variant_settings"]),
        classes=list(classes),
        modalities=list(settings["modalities"]),
        temperatures=temperatures,
        media=dict(settings["media"]),
        features=features,
        graph=dict(settings["graph"]),
        libraries=feature_library_versions(settings["modalities"]),
        files=describe_files(folder),
    )
    write_manifest(folder, manifest)
    return manifest


def network_name(seed: int) -> str:
    """Path of a seed's graph network in a bundle."""
    return f"network/seed{seed}.safetensors"


def vae_name(seed: int) -> str:
    """Path of a seed's VAE in a bundle."""
    return f"vae/seed{seed}.safetensors"


def text_name(fold: int) -> str:
    """Path of a fold's text encoder in a bundle."""
    return f"text/fold{fold}.safetensors"


def _pack_encoders(
    folder: Path, parts: Parts, settings: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Copy encoders that are files; the section ``features`` with their places in the bundle."""
    features = {name: dict(settings["features"][name]) for name in settings["modalities"]}
    if "text" in features:
        text = features["text"]
        if "encoders" in text:
            text["encoders"] = [dict(encoder) for encoder in text["encoders"]]
        for encoder in (text, *text.get("encoders", ())):
            encoder.pop("finetune", None)
    for modality in ("text", "audio"):
        files = [Path(file) for file in parts.encoder_files.get(modality, ())]
        if not files:
            continue
        if files[0].suffix == CONFIG_SUFFIX:
            # Such a file can name others to be written: a bundle that is passed on holds none.
            features[modality] |= {"encoder": str(files[0]), CONFIG_DIGEST: file_digest(files[0])}
            continue
        places = _places_of(modality, files)
        for file in files:
            _copy(file, folder / places[file.parent] / file.name)
        for encoder in (features[modality], *features[modality].get("encoders", ())):
            place = places.get(find_path(encoder["encoder"]))
            if place is not None:
                encoder["encoder"] = f"./{place.as_posix()}"
    if "video" in features and features["video"]["weights"] != UNTRAINED:
        _pack_video(folder, parts, features["video"])
    return features


def _places_of(modality: str, files: Sequence[Path]) -> dict[Path, Path]:
    """Where in a bundle the folders of encoders lie; two of one name lie apart."""
    places: dict[Path, Path] = {}
    for folder in dict.fromkeys(file.parent for file in files):
        place = Path("encoders", modality, folder.name)
        if place in places.values():
            place = place.with_name(f"{folder.name}-{len(places)}")
        places[folder] = place
    return places


def _pack_video(folder: Path, parts: Parts, video: dict[str, Any]) -> None:
    """Write the video network's weights as safetensors, whatever file they came in."""
    if video["weights"] == PUBLISHED:
        _copy(parts.video_network, folder / VIDEO)
    else:
        (own,) = parts.encoder_files["video"]
        write_tensors(folder / VIDEO, "video_network", read_weights(Path(own)), parts.provenance)
    video["weights"] = f"./{VIDEO}"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _opening(settings: Mapping[str, Any], temperatures: Sequence[float]) -> str:
    seeds = ", ".join(map(str, settings["seeds"]))
    listed = ", ".join(f"{temperature:.2f}" for temperature in temperatures)
    return (
        f"> This bundle holds variant {settings['variant']} of corpus {settings['corpus']}: seeds"
        f" {seeds} predict together, by their mean log-probability, at temperatures {listed}. What"
        f" follows is the card of seed {settings['seeds'][0]} alone.\n\n"
    )
