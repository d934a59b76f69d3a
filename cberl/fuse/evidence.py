"""Where encoders' class log-probabilities stand among the fused columns.

What an encoder has learnt about classes need not be learnt again from few rows: the graph network
adds its own logits to these log-probabilities, and starts from them.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cberl.artifacts import read_header, read_tensors
from cberl.features.tables import LOG_PROBABILITIES
from cberl.modalities import MODALITIES


def find_evidence(
    features: Iterable[str | Path], scaler: str | Path, before: int = 0
) -> dict[str, Any] | None:
    """Find the log-probabilities among joined features.

    Args:
        features: tables FEATURES, one or more of each modality.
        scaler: tensors ``{modality}.mean`` and ``{modality}.scale``.
        before: columns that stand before the joined features.

    Returns:
        ``first``, the number of their first column, and ``mean`` and ``scale`` of each, by which
        scaled columns become log-probabilities again; None where no encoder gave any.
    """
    tensors, _ = read_tensors(scaler, "scaler")
    facts = {}
    for path in features:
        own = read_header(path)["metadata"]
        facts[own["modality"]] = own
    for modality in (name for name in MODALITIES if name in facts):
        mean, scale = tensors[f"{modality}.mean"], tensors[f"{modality}.scale"]
        classes = len(facts[modality].get(LOG_PROBABILITIES, ()))
        if classes:
            first = before + len(mean) - classes
            own = {"mean": mean[-classes:].tolist(), "scale": scale[-classes:].tolist()}
            return {"first": first, **own}
        before += len(mean)
    return None
