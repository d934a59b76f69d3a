"""Applying a trained network."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from cberl.graph.conversations import Conversations
from cberl.train.network import ConversationNetwork


@torch.no_grad()
def predict_classes(
    network: ConversationNetwork, conversations: Conversations, classes: Sequence[str]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Predict the most probable class of each utterance.

    Probabilities are the softmax of `ConversationNetwork.corrected_logits`, whatever the loss:
    LDAM's margins and the prior of logit adjustment belong to training only. After a loss that
    corrects for rare classes they are those of a balanced corpus. Classes without a training row
    get 0.

    Args:
        classes: names by number.

    Returns:
        utterance_id and predicted of N utterances, and probabilities: float32 [N, C].
    """
    network.eval()
    logits = network.corrected_logits(*conversations.whole().graph)
    probabilities = logits.softmax(dim=1).numpy()
    predicted = np.asarray(classes, dtype=object)[probabilities.argmax(axis=1)]
    return pd.DataFrame({"utterance_id": conversations.ids, "predicted": predicted}), probabilities
