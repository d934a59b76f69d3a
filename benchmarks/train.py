"""Speed of the graph network's training against its bare layers, as a ratio within one run.

    python benchmarks/train.py [--rounds 5]

A corpus of MELD's size (1,038 dialogues, 9,989 utterances, three modalities side by side) is made
up. The epoch is `cberl.train.fit.train_epoch`: batches cut, both tasks, losses, clipping,
optimizer. The bare loop runs the same layers of torch and torch-geometric forward and backward
over the same nodes and edges, cut and ordered beforehand, and nothing else. Rounds alternate,
medians are compared. One thread; the machine should be idle.
"""

import argparse
import os
import resource
import statistics
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from cberl.graph.build import build_edges
from cberl.graph.context import pack_order
from cberl.graph.network import ConversationNetwork
from cberl.train.conversations import Batch, Conversations, assemble
from cberl.train.fit import train_epoch
from cberl.train.losses import ClassCounts, cross_entropy

DIALOGUES, UTTERANCES, WIDTH, CLASSES = 1038, 9989, 384 + 88 + 1024, 7
MOST_EPOCH_RATIO, MOST_GRAPH_SECONDS, MOST_GIB = 1.3, 2.0, 2.0


def make_nodes(generator: np.random.Generator) -> pd.DataFrame:
    """Nodes of dialogues of 1 to about 30 turns and up to 5 speakers."""
    shares = generator.gamma(3.0, size=DIALOGUES)
    extra = generator.multinomial(UTTERANCES - DIALOGUES, shares / shares.sum())
    nodes = pd.DataFrame({"dialogue_id": np.repeat(np.arange(DIALOGUES), 1 + extra)})
    nodes["turn"] = nodes.groupby("dialogue_id").cumcount()
    nodes["speaker"] = generator.integers(5, size=UTTERANCES)
    return nodes.assign(utterance_id=nodes.index.astype(str), is_synthetic=False)


def make_conversations() -> tuple[Conversations, float]:
    """Made-up conversations, and the seconds that their edges took."""
    generator = np.random.default_rng(0)
    nodes = make_nodes(generator)
    started = time.perf_counter()
    edges = build_edges(nodes, past_window=8, future_window=8)
    took = time.perf_counter() - started
    inputs = generator.normal(size=(UTTERANCES, WIDTH)).astype(np.float32)
    labels = generator.integers(CLASSES, size=UTTERANCES)
    return assemble(nodes, inputs, labels, edges, online=False), took


def encode_bare(
    network: ConversationNetwork,
    projected: Tensor,
    packing: tuple[Tensor, Tensor],
    edge_index: Tensor,
    edge_type: Tensor,
) -> Tensor:
    order, batch_sizes = packing
    encoded, _ = network.context.recurrent(PackedSequence(projected[order], batch_sizes))
    codes = network.context_norm(encoded.data)
    for convolution, norm in zip(network.convolutions, network.norms, strict=True):
        codes = norm(torch.relu(convolution(codes, edge_index, edge_type)))
    return codes


def run_bare(network: ConversationNetwork, batch: Batch, packing: tuple, masked: bool) -> None:
    """The layers of one step, forward and backward."""
    edges = (batch.edge_index, batch.edge_type)
    projected = network.projection(batch.inputs)
    codes = encode_bare(network, projected, packing, *edges)
    total = network.classifier(torch.cat([codes, projected], dim=1)).mean()
    if masked:
        decoder = network.decoder
        codes = encode_bare(network, projected, packing, *edges)
        rebuilt = decoder.to_inputs(decoder.convolution(decoder.to_code(codes), *edges))
        total = total + rebuilt.mean()
    network.zero_grad(set_to_none=True)
    total.backward()


def compare(conversations: Conversations, masked: bool, rounds: int) -> tuple[float, float]:
    """Median seconds of an epoch, and of the bare loop."""
    settings = {"batch_dialogues": 32, "mask_rate": 0.3, "mask_weight": 0.5 * masked}
    torch.manual_seed(0)
    network = ConversationNetwork(
        input_size=WIDTH,
        class_count=CLASSES,
        hidden_size=128,
        graph_layers=2,
        dropout=0.3,
        online=False,
        cosine_head=False,
    ).train()
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    counts = ClassCounts(torch.ones(CLASSES), torch.ones(CLASSES))
    order = torch.randperm(DIALOGUES)
    batches = [conversations.select(part) for part in order.split(settings["batch_dialogues"])]
    packings = [pack_order(batch.lengths) for batch in batches]
    epochs, bare = [], []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        train_epoch(
            network, conversations, order, cross_entropy, counts, optimizer, scaler, settings
        )
        between = time.perf_counter()
        for batch, packing in zip(batches, packings, strict=True):
            run_bare(network, batch, packing, masked)
        epochs.append(between - started)
        bare.append(time.perf_counter() - between)
    return statistics.median(epochs[1:]), statistics.median(bare[1:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="timed epochs; more steady the ratio")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    conversations, graph_seconds = make_conversations()
    rows = [("edges of the graph", f"{graph_seconds:.3f} s", f"{MOST_GRAPH_SECONDS:.0f} s")]
    good = graph_seconds <= MOST_GRAPH_SECONDS
    for masked in (False, True):
        epoch, bare = compare(conversations, masked, rounds)
        name = "epoch, both tasks" if masked else "epoch, classification"
        told = f"{epoch / bare:.2f} ({epoch:.2f} s to {bare:.2f} s)"
        rows.append((f"{name}: ratio to bare layers", told, f"{MOST_EPOCH_RATIO}"))
        good &= epoch / bare <= MOST_EPOCH_RATIO
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows.append(("peak memory", f"{gib:.2f} GiB", f"{MOST_GIB:.0f} GiB"))
    table = Table("what", "measured", "at most", title="Graph network at MELD's size, one thread")
    for row in rows:
        table.add_row(*row)
    Console(width=100).print(table)
    return 0 if good and gib <= MOST_GIB else 1


if __name__ == "__main__":
    sys.exit(main())
