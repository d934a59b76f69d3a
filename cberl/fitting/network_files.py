"""Networks as safetensors files: one way to save and to load for all of them.

A network keeps the arguments that it was built with in its attribute ``arguments`` (JSON-able;
mappings whose order counts as lists of pairs). They go into the file's metadata.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from cberl.artifacts import read_tensors, write_tensors

Network = TypeVar("Network", bound=nn.Module)


def save_network(
    path: str | Path,
    kind: str,
    network: nn.Module,
    provenance: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write a network's weights and what it needs to be built again.

    Args:
        kind: what the file is, in a word ("gan", "vae", "network", "encoder").
        facts: what else a reader should know, JSON-able.
    """
    metadata = {"arguments": network.arguments, **(facts or {})}
    write_tensors(path, kind, network.state_dict(), provenance, metadata)


def load_network(path: str | Path, kind: str, of: type[Network]) -> tuple[Network, dict[str, Any]]:
    """Build a network again, in evaluation mode, on the CPU.

    Returns:
        (network, the file's metadata).

    Raises:
        InputError: the file is absent, broken, or of another kind.
    """
    tensors, metadata = read_tensors(path, kind)
    network = of(**metadata["arguments"])
    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    return network.eval(), metadata
