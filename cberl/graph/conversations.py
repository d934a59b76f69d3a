"""Conversations in memory: latents, labels and edges of one split, ready to be cut in batches."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cberl.artifacts import read_header, read_matrix, read_table, read_tensors, row_positions
from cberl.corpus.labels import class_numbers, read_classes, read_labels
from cberl.errors import InputError
from cberl.fuse.tables import LATENTS
from cberl.graph.tables import NODES
from cberl.oversample.tables import SYNTHETIC
from cberl.rows import NO_LABEL
from cberl.tables import NOTHING_REMOVED


class DialogueBatch(NamedTuple):
    """Whole dialogues laid end to end; see `Conversations` for the parts."""

    inputs: Tensor
    labels: Tensor
    lengths: Tensor
    edge_index: Tensor
    edge_type: Tensor

    @property
    def graph(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """A network's arguments: inputs, lengths, edge_index, edge_type."""
        return self.inputs, self.lengths, self.edge_index, self.edge_type


@dataclass(frozen=True)
class Conversations:
    """The graph of one split; nodes lie dialogue after dialogue, each in the order of turns.

    Attributes:
        ids: utterance ids, object [N].
        is_synthetic: bool [N].
        inputs: float32 [N, D].
        labels: int64 [N], -1 where the loss is masked.
        lengths: int64 [G], turns per dialogue.
        edge_index: int64 [2, E], sources and targets, in the order of dialogues.
        edge_type: int64 [E].
        edge_counts: int64 [G], edges per dialogue.
        online: the graph has no edge from the future.
        classes: names by number; empty where no label was read.
        evidence: where class log-probabilities stand among the inputs, as
            `cberl.fuse.evidence.find_evidence` has it; None if nowhere.
    """

    ids: np.ndarray
    is_synthetic: np.ndarray
    inputs: Tensor
    labels: Tensor
    lengths: Tensor
    edge_index: Tensor
    edge_type: Tensor
    edge_counts: Tensor
    online: bool
    classes: tuple[str, ...] = ()
    evidence: dict[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: str) -> "Conversations":
        """The same with its tensors on a device."""
        tensors = {
            name: value.to(device) for name, value in vars(self).items() if torch.is_tensor(value)
        }
        return replace(self, **tensors)

    @property
    def labelled(self) -> Tensor:
        """Which nodes have a label: bool [N]."""
        return self.labels != NO_LABEL

    def whole(self) -> DialogueBatch:
        """All dialogues as one batch."""
        return DialogueBatch(
            self.inputs, self.labels, self.lengths, self.edge_index, self.edge_type
        )

    def recorded(self) -> "Conversations":
        """The same without the dialogues that synthetic turns stand in."""
        dialogue = torch.repeat_interleave(self.lengths)
        copied = torch.zeros(len(self.lengths), dtype=torch.bool)
        copied[dialogue[torch.from_numpy(self.is_synthetic)]] = True
        return self.select_dialogues(torch.nonzero(~copied)[:, 0])

    def select_dialogues(self, dialogues: Tensor) -> "Conversations":
        """Some dialogues, as conversations of their own.

        Args:
            dialogues: int64 [B], numbers of dialogues.
        """
        rows = _ranges(
            (torch.cumsum(self.lengths, 0) - self.lengths)[dialogues], self.lengths[dialogues]
        )
        return replace(
            self,
            **self.select(dialogues)._asdict(),
            ids=self.ids[rows.numpy()],
            is_synthetic=self.is_synthetic[rows.numpy()],
            edge_counts=self.edge_counts[dialogues],
        )

    def select(self, dialogues: Tensor) -> DialogueBatch:
        """Some dialogues as a batch.

        Args:
            dialogues: int64 [B], numbers of dialogues, repeats allowed.
        """
        lengths = self.lengths[dialogues]
        first = (torch.cumsum(self.lengths, 0) - self.lengths)[dialogues]  # [B]
        rows = _ranges(first, lengths)
        edge_counts = self.edge_counts[dialogues]
        first_edge = (torch.cumsum(self.edge_counts, 0) - self.edge_counts)[dialogues]
        edges = _ranges(first_edge, edge_counts)
        shift = torch.cumsum(lengths, 0) - lengths - first  # [B], from split to batch
        edge_index = self.edge_index[:, edges] + torch.repeat_interleave(shift, edge_counts)
        # Three times as fast as indexing, where rows are long.
        inputs = self.inputs.index_select(0, rows)
        return DialogueBatch(inputs, self.labels[rows], lengths, edge_index, self.edge_type[edges])


def removals_of(latents: str | Path) -> list[str]:
    """The modalities removed in a latents file, ``none`` first."""
    found = list(dict.fromkeys(read_table(latents, LATENTS, ["removed"])["removed"]))
    return sorted(found, key=lambda removed: removed != NOTHING_REMOVED)


def read_conversations(
    nodes: str | Path,
    edges: str | Path,
    latents: str | Path,
    labels: str | Path | None = None,
    synthetic: str | Path | None = None,
    removed: str = NOTHING_REMOVED,
) -> Conversations:
    """Read one split's graph and put latents and labels on its nodes.

    Args:
        nodes: table NODES.
        edges: tensors ``edge_index`` and ``edge_type`` over the rows of ``nodes``.
        latents: table LATENTS.
        labels: table LABELS of the split; without it no node has a label.
        synthetic: table SYNTHETIC, for the labels of nodes that were generated.
        removed: which rows of ``latents`` are taken.

    Raises:
        InputError: a node has no latent or no row of labels, a latent is not finite, or the
            edges are those of other nodes.
    """
    frame = read_table(nodes, NODES)
    table = read_table(latents, LATENTS, ["utterance_id", "removed"])
    chosen = np.flatnonzero(table["removed"] == removed)
    rows = row_positions(table["utterance_id"].iloc[chosen], frame["latent_id"], latents)
    matrix = read_matrix(latents, "latent")[chosen[rows]]
    _check_finite(matrix, frame["latent_id"], latents)
    numbers, classes = np.full(len(frame), NO_LABEL, dtype=np.int64), ()
    if labels is not None:
        classes = tuple(read_classes(labels))
        numbers = _labels_of(frame["utterance_id"].to_numpy(object), labels, synthetic)
    tensors, windows = read_tensors(edges, "graph")
    return assemble(
        frame,
        matrix,
        numbers,
        tensors,
        online=windows["future_window"] == 0,
        classes=classes,
        evidence=read_header(latents)["metadata"].get("evidence"),
        source=edges,
    )


def assemble(
    nodes: pd.DataFrame,
    inputs: np.ndarray,
    labels: np.ndarray,
    edges: dict[str, np.ndarray],
    online: bool,
    classes: tuple[str, ...] = (),
    evidence: dict[str, Any] | None = None,
    source: str | Path = "graph",
) -> Conversations:
    """Lay nodes dialogue after dialogue and renumber the edges accordingly.

    Args:
        nodes: table NODES.
        inputs: float32 [N, D], one row per node.
        labels: int64 [N].
        edges: what `cberl.graph.edges.build_edges` gives for ``nodes``.
        online: no edge comes from the future.
        classes: names by number.
        evidence: see `Conversations`.
        source: where the edges come from, for messages.

    Raises:
        InputError: an edge names a node that is not there, or joins two dialogues.
    """
    dialogue = pd.factorize(nodes["dialogue_id"])[0]
    order = np.lexsort((nodes["turn"].to_numpy(), dialogue))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    edge_index = edges["edge_index"]
    if edge_index.size and edge_index.max() >= len(nodes):
        raise InputError(f"{source}: has node {edge_index.max()}; expected {len(nodes)} nodes")
    edge_dialogue = dialogue[edge_index]  # [2, E]
    if (edge_dialogue[0] != edge_dialogue[1]).any():
        raise InputError(f"{source}: an edge joins two dialogues; expected none to")
    by_dialogue = np.argsort(edge_dialogue[1], kind="stable")
    dialogues = int(dialogue.max(initial=-1)) + 1
    return Conversations(
        ids=nodes["utterance_id"].to_numpy(object)[order],
        is_synthetic=nodes["is_synthetic"].to_numpy(bool)[order],
        inputs=torch.from_numpy(inputs[order]),
        labels=torch.from_numpy(labels[order]),
        lengths=torch.from_numpy(np.bincount(dialogue, minlength=dialogues)),
        edge_index=torch.from_numpy(place[edge_index][:, by_dialogue]),
        edge_type=torch.from_numpy(edges["edge_type"][by_dialogue]),
        edge_counts=torch.from_numpy(np.bincount(edge_dialogue[1], minlength=dialogues)),
        online=online,
        classes=classes,
        evidence=evidence,
    )


def _labels_of(ids: np.ndarray, labels: str | Path, synthetic: str | Path | None) -> np.ndarray:
    if synthetic is None:
        return read_labels(labels, ids)
    made = read_table(synthetic, SYNTHETIC, ["utterance_id", "label"])
    positions = pd.Index(made["utterance_id"]).get_indexer(pd.Index(ids))
    is_made = positions >= 0
    numbers = np.empty(len(ids), dtype=np.int64)
    numbers[~is_made] = read_labels(labels, ids[~is_made])
    numbers[is_made] = class_numbers(made["label"], read_classes(labels))[positions[is_made]]
    return numbers


def _check_finite(matrix: np.ndarray, ids: pd.Series, source: str | Path) -> None:
    broken = ~np.isfinite(matrix).all(axis=1)
    if broken.any():
        row = ids.iloc[int(np.argmax(broken))]
        raise InputError(f"{source}: row {row} has NaN or infinite values; expected finite ones")


def _ranges(starts: Tensor, counts: Tensor) -> Tensor:
    """The numbers start, start + 1, ... of each range, one range after the other."""
    before = torch.cumsum(counts, 0) - counts
    shift = torch.repeat_interleave(starts - before, counts)
    return shift + torch.arange(len(shift), device=shift.device)
