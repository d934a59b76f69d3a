"""Conversation graphs: utterances are nodes, edges know who spoke and when."""

import numpy as np
import pandas as pd

RELATIONS: tuple[str, ...] = ("same_past", "same_future", "other_past", "other_future", "self")
"""Edge types by number: speaker of the source (same as the target's, or other) and its time."""

SELF = RELATIONS.index("self")


def list_nodes(utterances: pd.DataFrame, synthetic: pd.DataFrame, split: str) -> pd.DataFrame:
    """List the nodes of one split: table NODES.

    The training split's real utterances come first, then the turns of the synthetic dialogues;
    a turn there that was not generated takes the latent of the utterance that it copies.

    Args:
        utterances: table UTTERANCES.
        synthetic: table SYNTHETIC, its vectors not needed.
        split: train, dev or test.
    """
    columns = ["utterance_id", "latent_id", "dialogue_id", "turn", "speaker", "is_synthetic"]
    real = utterances[utterances["split"] == split]
    real = real.assign(latent_id=real["utterance_id"], is_synthetic=False)[columns]
    if split != "train" or synthetic.empty:
        return real.reset_index(drop=True)
    own = synthetic["utterance_id"]
    latents = own.where(synthetic["is_synthetic"], synthetic["source_utterance_id"])
    copies = synthetic.assign(latent_id=latents)[columns]
    return pd.concat([real, copies], ignore_index=True)


def build_edges(nodes: pd.DataFrame, past_window: int, future_window: int) -> dict[str, np.ndarray]:
    """Connect each utterance with its context: earlier turns, later turns and itself.

    The relation of an edge follows from the two speakers and their order in time, as in
    DialogueGCN (Ghosal et al., EMNLP 2019, section 3.3.2), with "same speaker or another" in
    place of the pair of speakers, so that unseen speakers need no relations of their own.

    Args:
        nodes: table NODES; ``turn`` orders the rows of each ``dialogue_id``.
        past_window: earlier turns in an utterance's context.
        future_window: later turns in its context; 0 makes the graph online.

    Returns:
        edge_index: int64 [2, E], row numbers of ``nodes``; sources, then targets, grouped
            by target.
        edge_type: int64 [E], numbers in `RELATIONS`.
    """
    dialogue = pd.factorize(nodes["dialogue_id"])[0]
    order = np.lexsort((nodes["turn"].to_numpy(), dialogue))  # rank in time -> row of nodes
    dialogue = dialogue[order]
    speaker = pd.factorize(nodes["speaker"])[0][order]
    rank = np.arange(len(nodes))
    first = np.searchsorted(dialogue, dialogue, side="left")
    last = np.searchsorted(dialogue, dialogue, side="right") - 1
    earliest = np.maximum(first, rank - past_window)
    latest = np.minimum(last, rank + future_window)
    context = latest - earliest + 1  # edges into each node
    target = np.repeat(rank, context)
    within = np.arange(len(target)) - np.repeat(np.cumsum(context) - context, context)
    source = np.repeat(earliest, context) + within
    other = speaker[source] != speaker[target]
    edge_type = np.where(source == target, SELF, 2 * other + (source > target))
    return {
        "edge_index": np.stack([order[source], order[target]]).astype(np.int64),
        "edge_type": edge_type.astype(np.int64),
    }
