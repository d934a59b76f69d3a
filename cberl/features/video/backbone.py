"""Loading torchvision networks and taking their classifier off."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cberl.errors import InputError
from cberl.features.encoders import PUBLISHED, UNTRAINED, VIDEO_WEIGHTS
from cberl.provenance import file_digest, find_path
from cberl.torchvision_guard import guard_torchvision

SEED = 0
"""Seed of an untrained network's weights: every shard is read by the same network."""


@dataclass(frozen=True)
class Network:
    """A network without its classifier.

    Attributes:
        module: float32 [B, 3, H, W] (or [B, 3, T, H, W] ``of_clips``) -> [B, width].
        transform: uint8 [T, 3, H, W] and the shorter side in pixels of the clip's smallest frame
            -> float32 [T, 3, H', W'].
        weights: which weights it has, in words.
        fixed_frames, least_frames: frames per clip that it insists on; 0 if it does not.
    """

    module: Any
    transform: Callable[[Any, int], Any]
    width: int
    of_clips: bool
    weights: str
    trained: bool
    fixed_frames: int = 0
    least_frames: int = 0

    def frames_of(self, frames: int) -> np.ndarray:
        """Which of a clip's frames to take, evenly in time: int64 [T]."""
        wanted = self.fixed_frames or max(frames, self.least_frames)
        return np.arange(wanted) * frames // wanted


def load_backbone(name: str, weights: str, fetched: str | Path | None = None) -> Network:
    """Build a torchvision classification network and replace its classifier by the identity.

    Args:
        name: of an image or video network, as torchvision registers it.
        weights: ``DEFAULT``, ``none``, or a file with the network's weights (.pth or
            .safetensors); its classifier may be of any size.
        fetched: where what `fetch_weights` fetched was written; only looked at for ``DEFAULT``,
            which without it is fetched now.

    Raises:
        InputError: no such network; weights that cannot be reached or do not fit.
    """
    import torch

    models = _models_with(name)
    of_clips = name in models.list_models(module=models.video)
    published = models.get_model_weights(name).DEFAULT
    preset = published.transforms()
    module = _build(name, preset.crop_size[0])
    head, width = _take_off_classifier(module, len(published.meta["categories"]))
    if weights == UNTRAINED:
        described = f"none: untrained, initialised at random with seed {SEED}"
    else:
        if weights == PUBLISHED:
            path = Path(fetched) if fetched else _download(published.url, name)
        else:
            path = find_path(weights)
        _load(module, path, head)
        described = published.url if weights == PUBLISHED else f"{path.name} {file_digest(path)}"
    encoder = torch.nn.Sequential(module, torch.nn.Flatten())
    encoder.eval().requires_grad_(False)
    least = published.meta.get("min_temporal_size") or 0
    if of_clips:
        transform = _clip_transform(preset)
    elif weights == UNTRAINED:
        transform = _unenlarged(preset, max(published.meta["min_size"]))
    else:
        transform = _published(preset)
    return Network(
        module=encoder,
        transform=transform,
        width=width,
        of_clips=of_clips,
        weights=described,
        trained=weights != UNTRAINED,
        # MViT's positions are of a fixed number of frames.
        fixed_frames=least if name.startswith("mvit") else 0,
        least_frames=least,
    )


def fetch_weights(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Fetch a network's published weights, or find them in torch's cache.

    Returns:
        Tensors by name; facts for a reader.

    Raises:
        InputError: no such network; weights that cannot be reached, in one line that names
            the file and where to put it.
    """
    url = _models_with(name).get_model_weights(name).DEFAULT.url
    return read_weights(_download(url, name)), {"encoder": f"torchvision {name}", "weights": url}


def _models_with(name: str) -> Any:
    """torchvision's models, if they have an image or video network of this name."""
    guard_torchvision()
    from torchvision import models

    if not any(name in models.list_models(module=part) for part in (models, models.video)):
        raise InputError(
            f"features.video.encoder: torchvision has no image or video network {name};"
            " expected a name such as densenet121, resnet50, r3d_18 or mvit_v2_s"
        )
    return models


def _build(name: str, image_size: int) -> Any:
    import warnings

    import torch
    from torchvision.models import get_model

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # about faster ways to initialise
        torch.manual_seed(SEED)
        module = get_model(name, weights=None)
        if getattr(module, "image_size", image_size) != image_size:
            # Vision transformers have one position per patch of their weights' image size.
            torch.manual_seed(SEED)
            module = get_model(name, weights=None, image_size=image_size)
    return module


def _take_off_classifier(module: Any, classes: int) -> tuple[str, int]:
    """Replace the last layer that scores ``classes`` classes: its name and its input's width."""
    from torch import nn

    head, width = "", 0
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear) and layer.out_features == classes:
            head, width = name, layer.in_features
        elif isinstance(layer, nn.Conv2d | nn.Conv3d) and layer.out_channels == classes:
            head, width = name, layer.in_channels
    parent, _, attribute = head.rpartition(".")
    setattr(module.get_submodule(parent), attribute, nn.Identity())
    return head, width


def _published(preset: Any) -> Callable[[Any, int], Any]:
    """The transform of the published weights, which saw pictures of one size."""

    def transform(frames: Any, _: int) -> Any:
        return preset(frames)

    return transform


def _unenlarged(preset: Any, least: int) -> Callable[[Any, int], Any]:
    """The same for a network that was trained at no size: larger pictures would only cost time.

    Args:
        least: shorter side in pixels that the network insists on.
    """

    def transform(frames: Any, short_side: int) -> Any:
        if short_side >= preset.crop_size[0]:
            return preset(frames)
        side = max(short_side, least)
        kept = {"mean": preset.mean, "std": preset.std, "interpolation": preset.interpolation}
        return type(preset)(crop_size=side, resize_size=side, **kept)(frames)

    return transform


def _clip_transform(preset: Any) -> Callable[[Any, int], Any]:
    def transform(frames: Any, _: int) -> Any:
        return preset(frames).transpose(0, 1)  # [3, T, H, W] -> [T, 3, H, W]

    return transform


def _download(url: str, name: str) -> Path:
    """The published weights in torch's cache, fetched if they are not there yet."""
    import torch

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / url.rsplit("/", 1)[-1]
    if path.is_file():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digest = path.stem.rsplit("-", 1)[-1]
        torch.hub.download_url_to_file(url, str(path), digest, progress=False)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{VIDEO_WEIGHTS}: {url} cannot be reached; put that file at {path}, or set"
            f" features.video.weights to a local file of {name}, or to none ({error})"
        ) from None
    return path


def read_weights(path: Path) -> dict[str, Any]:
    """Tensors by name from a file of any kind; a pickle in it is not run."""
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    # What the readers raise for files of other kinds and for broken ones.
    broken = (OSError, EOFError, ValueError, LookupError, AttributeError, TypeError, RuntimeError)
    broken += (pickle.UnpicklingError, SafetensorError)
    try:
        if path.suffix == ".safetensors":
            tensors = load_file(path)
        else:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{VIDEO_WEIGHTS}: {path}: no such file") from None
    except broken:
        tensors = None
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in tensors.items()
    ):
        # The libraries' own messages are several lines long, and advise to load the file unsafely.
        raise InputError(
            f"{VIDEO_WEIGHTS}: {path}: expected tensors by name, as .pth or .safetensors"
        )
    return tensors


def _load(module: Any, path: Path, head: str) -> None:
    tensors = read_weights(path)
    kept = {key: value for key, value in tensors.items() if not key.startswith(f"{head}.")}
    try:
        module.load_state_dict(kept, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{VIDEO_WEIGHTS}: {path} is of another network ({reason})") from None
