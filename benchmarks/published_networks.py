"""A training epoch beside those of the networks that this field compares itself with.

    python benchmarks/published_networks.py [--rounds 7] [--device cuda]

Conversations of MELD's size (1,038 dialogues, 9,989 utterances; text 1024, audio 300, video 342)
are made up. Beside an epoch of cberl's network (`cberl.train.fit.ClassifierTraining.run_epoch`)
run the layers of two others, remade of torch and torch-geometric parts, over the same batches:
forward, cross entropy, backward, AdamW. DialogueGCN (Ghosal et al., EMNLP 2019): a bidirectional
recurrent network over the joined features, a relational and a plain graph convolution. MM-GCN (Hu
et al., ACL 2021): a node per utterance and modality, a deep graph convolution with initial
residuals over all nodes of a modality and those of an utterance. Each at the width of its published
code and at cberl's. What is theirs beside layers (edge attention, speaker embeddings, batching) is
left out: their programs take longer. Rounds alternate, medians are compared; one thread.
"""

import os
import sys
from dataclasses import replace

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from results_page import markdown_table, replace_section
from side_by_side import median_seconds, read_arguments, section_of
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu
from torch_geometric.nn import GCN2Conv, GraphConv, RGCNConv
from train import SETTINGS, make_conversations

from cberl.graph.conversations import Conversations, DialogueBatch
from cberl.graph.edges import RELATIONS
from cberl.train.context import DialogueEncoder
from cberl.train.fit import ClassifierTraining

WIDTHS = (1024, 300, 342)
PUBLISHED = {"DialogueGCN": 100, "MM-GCN": 200}
"""Hidden width in the published code."""
DEEP_LAYERS = 4
"""Graph convolutions of MM-GCN."""


class DialogueGCN(nn.Module):
    """Its layers: recurrent, relational convolution, convolution, classifier."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(sum(WIDTHS), width)
        self.context = DialogueEncoder(width, online=False)
        self.relational = RGCNConv(width, width, len(RELATIONS), num_bases=30)
        self.plain = GraphConv(width, width)
        self.classifier = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, classes)
        )

    def forward(self, batch: DialogueBatch, _: Tensor) -> Tensor:
        """Logits float [N, C]."""
        codes = self.context(self.reduce(batch.inputs), batch.lengths)  # [N, width]
        convolved = self.relational(codes, batch.edge_index, batch.edge_type)
        convolved = relu(self.plain(convolved, batch.edge_index))
        return self.classifier(torch.cat([codes, convolved], dim=1))


class MMGCN(nn.Module):
    """Its layers: an encoder per modality, deep convolutions over all their nodes, classifier."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(nn.Linear(own, width) for own in WIDTHS)
        self.context = DialogueEncoder(width, online=False)  # of the text
        self.convolutions = nn.ModuleList(
            GCN2Conv(width, alpha=0.1, theta=0.5, layer=layer)
            for layer in range(1, DEEP_LAYERS + 1)
        )
        self.classifier = nn.Linear(2 * len(WIDTHS) * width, classes)

    def forward(self, batch: DialogueBatch, edges: Tensor) -> Tensor:
        """Logits float [N, C]."""
        parts = batch.inputs.split(WIDTHS, dim=1)
        text, *others = (layer(part) for layer, part in zip(self.reduce, parts, strict=True))
        codes = first = torch.cat([self.context(text, batch.lengths), *others])  # [3N, width]
        for convolution in self.convolutions:
            codes = relu(convolution(codes, first, edges))
        both = torch.cat([first, codes], dim=1)  # [3N, 2 width]
        return self.classifier(torch.cat(both.chunk(len(WIDTHS)), dim=1))


def connect_modalities(batch: DialogueBatch) -> Tensor:
    """MM-GCN's edges: every two nodes of a dialogue and modality, and of an utterance."""
    count = len(batch.inputs)
    dialogue = torch.repeat_interleave(batch.lengths)  # [N]
    own = (
        (dialogue[:, None] == dialogue[None, :]).nonzero().T
    )  # [2, E], an utterance with itself too
    edges = [own + count * modality for modality in range(len(WIDTHS))]
    nodes = torch.arange(count, device=own.device)
    edges += [
        torch.stack([nodes + count * source, nodes + count * target])
        for source in range(len(WIDTHS))
        for target in range(len(WIDTHS))
        if source != target
    ]
    return torch.cat(edges, dim=1)


def compare(
    conversations: Conversations, network: nn.Module, width: int, rounds: int, device: str
) -> tuple[float, float]:
    """Median seconds of cberl's epoch at a width, and of the other network's."""
    torch.manual_seed(0)
    settings = replace(SETTINGS, hidden_size=width)
    ours = ClassifierTraining(
        conversations, conversations, settings, "ldam", "uniform", 0.5, device
    )
    network = network.to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    order = torch.randperm(len(conversations.lengths))
    moved = conversations.to(device)
    batches = [moved.select(part.to(device)) for part in order.split(settings.batch_dialogues)]
    edges = [connect_modalities(batch) for batch in batches]

    def run_other() -> None:
        for batch, own in zip(batches, edges, strict=True):
            loss = cross_entropy(network(batch, own), batch.labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return median_seconds(lambda: ours.run_epoch(1), run_other, rounds)


def main() -> int:
    arguments = read_arguments(__doc__)
    torch.set_num_threads(1)
    conversations, _ = make_conversations(sum(WIDTHS))
    classes, equal = len(conversations.classes), SETTINGS.hidden_size
    rows = []
    for name, network in (("DialogueGCN", DialogueGCN), ("MM-GCN", MMGCN)):
        for width in (PUBLISHED[name], equal):
            ours, theirs = compare(
                conversations, network(width, classes), width, arguments.rounds, arguments.device
            )
            rows.append((name, str(width), f"{theirs:.2f}", f"{ours:.2f}", f"{ours / theirs:.2f}"))
    header = ("layers of", "width", "epoch, s", "cberl's epoch at that width, s", "ratio")
    text = markdown_table(header, rows)
    print(text)
    replace_section(section_of("published-networks", arguments.device), text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
