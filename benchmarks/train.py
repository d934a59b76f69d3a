"""Speed of the graph network's training against its bare layers, as a ratio within one run.

    python benchmarks/train.py [--rounds 15] [--device cuda]

A corpus of MELD's size (1,038 dialogues, 9,989 utterances, three modalities side by side) is made
up. The epoch is `cberl.train.fit.ClassifierTraining.run_epoch`: batches cut, nodes hidden, both
tasks, losses, clipping, optimizer. The bare loop runs the same layers of torch and torch-geometric
forward and backward, with torch's dropout, over the same nodes and edges, cut, hidden and ordered
beforehand, and nothing else; no optimizer either. Rounds alternate, medians are compared. One
thread; the machine should be idle. Printed, and written into docs/results.md; of a GPU, where both
run in mixed precision, into a section of its own.
"""

import os
import sys
import time
from typing import NamedTuple

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from melds_size import (
    CLASSES,
    DIALOGUES,
    UTTERANCES,
    WIDTHS,
    make_labels,
    make_utterances,
)
from results_page import show
from side_by_side import (
    median_seconds,
    peak_memory,
    read_arguments,
    section_of,
    with_torch_dropout,
)
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from cberl.graph.conversations import Conversations, assemble
from cberl.graph.edges import build_edges
from cberl.graph.settings import GraphSettings
from cberl.train.context import pack_order
from cberl.train.fit import ClassifierTraining
from cberl.train.network import ConversationNetwork
from cberl.train.reconstruction import choose_masked
from cberl.train.settings import TrainSettings

SETTINGS = TrainSettings()
WIDTH = sum(WIDTHS.values())
TASKS = {"classification": 0.0, "both tasks": 0.5}
"""Name -> weight of the reconstruction task."""
BOUNDS = {
    "edges of the graph, s": 2.0,
    **{f"epoch, {task}, ratio to bare layers": 1.15 for task in TASKS},
    "peak memory, GiB": 2.0,
    "peak GPU memory, GiB": 2.0,
}


class BareBatch(NamedTuple):
    """One batch as the layers need it; with hidden nodes, it has each conversation twice."""

    inputs: Tensor
    order: Tensor
    batch_sizes: Tensor
    edge_index: Tensor
    edge_type: Tensor
    all_edge_index: Tensor
    all_edge_type: Tensor
    hidden: Tensor | None


def make_conversations(width: int = WIDTH) -> tuple[Conversations, float]:
    """Made-up conversations with inputs so wide, and the seconds that their edges took."""
    generator = np.random.default_rng(0)
    nodes = make_utterances(generator).assign(is_synthetic=False)
    started = time.perf_counter()
    windows = GraphSettings()
    edges = build_edges(nodes, windows.past_window, windows.future_window)
    took = time.perf_counter() - started
    inputs = generator.standard_normal((UTTERANCES, width), dtype=np.float32)
    classes = tuple(str(number) for number in range(CLASSES))
    labels = make_labels(generator)
    return assemble(nodes, inputs, labels, edges, online=False, classes=classes), took


def cut_batches(conversations: Conversations, order: Tensor, masked: bool) -> list[BareBatch]:
    """The batches of one epoch, all that is not a layer's work done."""
    batches = []
    for part in order.split(SETTINGS.batch_dialogues):
        batch = conversations.select(part)
        edges = batch.edge_index, batch.edge_type
        lengths, all_edges, hidden = batch.lengths, edges, None
        if masked:
            lengths = torch.cat([lengths, lengths])
            all_edges = (
                torch.cat([batch.edge_index, batch.edge_index + len(batch.inputs)], dim=1),
                torch.cat([batch.edge_type, batch.edge_type]),
            )
            hidden = choose_masked(batch.lengths, SETTINGS.mask_rate).nonzero().flatten()
        pack, batch_sizes = pack_order(lengths)
        pack = pack.to(order.device)
        batches.append(BareBatch(batch.inputs, pack, batch_sizes, *edges, *all_edges, hidden))
    return batches


def forward_bare(network: ConversationNetwork, batch: BareBatch) -> Tensor:
    """The layers of one step forward, down to a number."""
    projected = network.projection(batch.inputs)
    codes = projected if batch.hidden is None else torch.cat([projected, projected])
    encoded, _ = network.context.recurrent(PackedSequence(codes[batch.order], batch.batch_sizes))
    codes = network.context_norm(encoded.data)
    for convolution, norm in zip(network.convolutions, network.norms, strict=True):
        codes = norm(torch.relu(convolution(codes, batch.all_edge_index, batch.all_edge_type)))
    seen = codes[: len(projected)]
    total = network.classifier(torch.cat([seen, projected], dim=1)).mean()
    if batch.hidden is not None:
        decoder = network.decoder
        again = decoder.to_code(codes[len(projected) :])
        convolved = decoder.convolution(again, batch.edge_index, batch.edge_type)
        total = total + decoder.to_inputs(convolved[batch.hidden]).mean()
    return total


def compare(
    conversations: Conversations, weight: float, rounds: int, device: str
) -> tuple[float, float]:
    """Median seconds of an epoch, and of the bare loop over the same batches."""
    torch.manual_seed(0)
    variant = ("cross_entropy", "uniform", weight)
    whole, bare = (
        ClassifierTraining(conversations, conversations, SETTINGS, *variant, device)
        for _ in range(2)
    )
    network = with_torch_dropout(bare.network).train()
    order = torch.randperm(DIALOGUES).to(device)
    batches = cut_batches(conversations.to(device), order, masked=weight > 0)

    def run_all_bare() -> None:
        for batch in batches:
            with torch.autocast(device, enabled=device != "cpu"):
                total = forward_bare(network, batch)
            network.zero_grad(set_to_none=True)
            total.backward()

    return median_seconds(lambda: whole.run_epoch(1), run_all_bare, rounds)


def main() -> int:
    arguments = read_arguments(__doc__)
    torch.set_num_threads(1)
    conversations, graph_seconds = make_conversations()
    measured = {"edges of the graph, s": graph_seconds}
    for task, weight in TASKS.items():
        epoch, bare = compare(conversations, weight, arguments.rounds, arguments.device)
        measured[f"epoch, {task}, s"] = epoch
        measured[f"bare layers, {task}, s"] = bare
        measured[f"epoch, {task}, ratio to bare layers"] = epoch / bare
    measured |= peak_memory(arguments.device)
    return show(section_of("train", arguments.device), measured, BOUNDS, decimals=2)


if __name__ == "__main__":
    sys.exit(main())
