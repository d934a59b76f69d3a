"""What an epoch of fine-tuning shows, and in which batches."""

from collections.abc import Iterator, Sequence

import numpy as np

from cberl.features.text.batches import split_by_count
from cberl.features.text.dialogues import Dialogues
from cberl.features.text.turns import TokenSequence, Turns
from cberl.rows import NO_LABEL

BATCHES_PER_BUCKET = 50


def draw_epoch(
    turns: Turns | Dialogues, labels: np.ndarray, batch_size: int, seed: Sequence[int]
) -> tuple[list[TokenSequence], list[np.ndarray]]:
    """The sequences of an epoch, and the batches of them in their order.

    Whole dialogues are cut anew in each epoch. The number of batches then differs a little from
    epoch to epoch.

    Args:
        labels: of the utterances, int64 [N], `NO_LABEL` where one does not count.
        batch_size: labelled utterances per batch.
        seed: decides what is drawn; the epoch's number belongs to it.
    """
    generator = np.random.default_rng(list(seed))
    if isinstance(turns, Dialogues):
        sequences = turns.cut_at_random(generator)
    else:
        sequences = turns.tokenize(np.flatnonzero(labels != NO_LABEL))
    return sequences, list(shuffle_batches(sequences, labels, batch_size, generator))


def shuffle_batches(
    sequences: Sequence[TokenSequence],
    labels: np.ndarray,
    size: int,
    generator: np.random.Generator,
) -> Iterator[np.ndarray]:
    """Divide sequences at random into batches of similar length, so that little is padded.

    Args:
        labels: of the utterances, int64 [N]; sequences without a labelled one are left out.
        size: labelled utterances per batch; the sequence that fills it may add more.

    Yields:
        numbers of sequences; together each once.
    """
    counts = np.array([(labels[sequence.rows] != NO_LABEL).sum() for sequence in sequences])
    lengths = np.array([len(sequence) for sequence in sequences])
    order = generator.permutation(np.flatnonzero(counts))
    batches: list[np.ndarray] = []
    for bucket in split_by_count(order, counts, size * BATCHES_PER_BUCKET):
        by_length = bucket[np.argsort(lengths[bucket], kind="stable")]
        batches += split_by_count(by_length, counts, size)
    for position in generator.permutation(len(batches)):
        yield batches[position]
