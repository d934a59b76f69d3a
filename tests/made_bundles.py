"""Bundles with the encoders of the demo and networks that nobody trained."""

from pathlib import Path

import numpy as np
import torch

from cberl.artifacts import write_tensors
from cberl.fitting.network_files import save_network
from cberl.fuse.vae.network import VAENetwork
from cberl.predict.bundle.write import Parts, write_bundle
from cberl.train.network import ConversationNetwork

CLASSES = ["neutral", "joy", "anger"]
WIDTHS = {"text": 384, "audio": 88, "video": 512}
MEDIA = {"frames": 2, "frame_size": 64, "faces": False, "time_limit_s": 30}
FEATURES = {
    "text": {"encoder": "minilm", "context_turns": 0},
    "audio": {"encoder": "eGeMAPSv02"},
    "video": {"encoder": "resnet18", "weights": "none"},
}


def make_bundle(
    folder: Path,
    modalities: tuple[str, ...] = ("text", "audio", "video"),
    fusion: str = "vae",
    future_window: int = 3,
    context_turns: int = 0,
    media: dict = MEDIA,
) -> Path:
    """Write a bundle of two seeds; its networks are random but always the same."""
    torch.manual_seed(0)
    parts = folder.with_name(f"{folder.name}-parts")
    parts.mkdir(parents=True)
    widths = {name: WIDTHS[name] for name in modalities}
    # About where the encoders' values lie, so that random networks tell inputs apart.
    spread = {"text": 0.05, "audio": 100.0, "video": 1.0}
    scaler = {f"{name}.mean": np.zeros(width, np.float32) for name, width in widths.items()}
    for name, width in widths.items():
        scaler[f"{name}.scale"] = np.full(width, spread[name], np.float32)
    write_tensors(parts / "scaler.safetensors", "scaler", scaler, {})
    networks, vaes = [], []
    for seed in (0, 1):
        size = sum(widths.values()) + (8 if fusion == "vae" else 0)
        network = ConversationNetwork(
            size, len(CLASSES), hidden_size=16, online=future_window == 0, cosine_head=True
        )
        networks.append(parts / f"network{seed}.safetensors")
        save_network(networks[-1], "network", network, {}, {"classes": CLASSES})
        if fusion == "vae":
            vae = VAENetwork(list(widths.items()), len(CLASSES), latent_size=8, hidden_size=16)
            vaes.append(parts / f"vae{seed}.safetensors")
            save_network(vaes[-1], "vae", vae, {})
    card = parts / "card.md"
    card.write_text("# A model card\n")
    settings = {
        "corpus": "made",
        "variant": "random",
        "seeds": [0, 1],
        "variant_settings": {"fusion": fusion},
        "modalities": list(modalities),
        "media": media,
        "features": FEATURES | {"text": FEATURES["text"] | {"context_turns": context_turns}},
        "graph": {"past_window": 3, "future_window": future_window},
    }
    made = Parts({}, parts / "scaler.safetensors", networks, card, vaes)
    write_bundle(folder, made, settings)
    return folder
