"""Small made-up conversations whose utterances show their class."""

import numpy as np
import pandas as pd

from cberl.graph.conversations import assemble
from cberl.graph.edges import build_edges


def make_conversations(
    lengths=(6,) * 24, seed=0, noise=1.0, labels=None, future=2, synthetic_from=None
):
    """Conversations of 3 classes, 6 wide; ``synthetic_from`` is a dialogue's number."""
    generator = np.random.default_rng(seed)
    dialogue = np.repeat(np.arange(len(lengths)), lengths)
    rows = len(dialogue)
    if labels is None:
        labels = generator.choice(3, rows, p=[0.6, 0.3, 0.1])
    labels = np.asarray(labels, dtype=np.int64)
    directions = 2 * np.random.default_rng(0).normal(size=(3, 6))
    inputs = directions[labels] + noise * generator.normal(size=(rows, 6))
    nodes = pd.DataFrame({"dialogue_id": dialogue})
    nodes["utterance_id"] = nodes["latent_id"] = [f"train/0/{row}" for row in range(rows)]
    nodes["turn"] = nodes.groupby("dialogue_id").cumcount()
    nodes["speaker"] = generator.choice(["X", "Y"], rows)
    nodes["is_synthetic"] = dialogue >= (len(lengths) if synthetic_from is None else synthetic_from)
    edges = build_edges(nodes, 2, future)
    return assemble(
        nodes, inputs.astype(np.float32), labels, edges, online=future == 0, classes=tuple("abc")
    )
