"""How often each training dialogue is drawn."""

import torch
from torch import Tensor

from cberl.graph.conversations import Conversations

SAMPLINGS = ("uniform", "class_aware")


def dialogue_weights(train: Conversations, classes: int, sampling: str) -> Tensor:
    """How often an epoch is expected to show each dialogue: float [G], mean 1.

    ``uniform`` shows each once. ``class_aware`` draws with replacement, a dialogue's chance
    being the mean over its labelled turns of 1 / sqrt(rows of the turn's class): square-root
    sampling (Kang et al., Decoupling Representation and Classifier for Long-tailed Recognition,
    ICLR 2020, equation 1 with q = 1/2) carried over to rows that come in dialogues. A dialogue
    without a labelled turn counts like the average one.
    """
    if sampling == "uniform":
        return torch.ones(len(train.lengths))
    per_dialogue = class_table(train, classes)  # [G, C]
    rarity = per_dialogue.sum(dim=0).clamp(min=1).rsqrt()  # [C]
    labelled = per_dialogue.sum(dim=1)  # [G]
    weights = (per_dialogue @ rarity) / labelled.clamp(min=1)
    has_labels = labelled > 0
    weights[~has_labels] = weights[has_labels].mean()
    return weights / weights.mean()


def class_table(conversations: Conversations, classes: int, real_only: bool = False) -> Tensor:
    """Labelled rows of each class in each dialogue: float [G, C]."""
    dialogue = torch.repeat_interleave(conversations.lengths)
    counted = conversations.labelled.clone()
    if real_only:
        counted &= ~torch.from_numpy(conversations.is_synthetic)
    cells = dialogue[counted] * classes + conversations.labels[counted]
    shape = (len(conversations.lengths), classes)
    return torch.bincount(cells, minlength=shape[0] * classes).reshape(shape).float()


def draw_dialogues(weights: Tensor, sampling: str) -> Tensor:
    """The dialogues of one epoch in their order: int64 [G]."""
    if sampling == "uniform":
        return torch.randperm(len(weights))
    return torch.multinomial(weights, len(weights), replacement=True)
