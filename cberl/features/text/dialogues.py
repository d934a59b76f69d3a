"""Whole dialogues as token sequences: every turn sees those before and after it.

All turns of a dialogue stand in one sequence, each opening with its speaker's name and closed by
the tokeniser's separator::

    [CLS] Ross: Hi. [SEP] Joey: Hey, you okay? [SEP] Ross: No. [SEP]

so that each token is encoded once for all the utterances whose context it is; with previous turns
put before each utterance (`cberl.features.text.turns`) it is encoded again for every one of them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cberl.errors import InputError
from cberl.features.settings import TextEncoderSettings
from cberl.features.text.transformer import Transformer
from cberl.features.text.turns import TokenSequence, Transcript, Turns, find_template

LONGEST_TRAINING_PIECE = 12
"""Turns. Pieces of all lengths up to it teach the encoder to do with little context as well."""


class Dialogues:
    """The utterances of some whole dialogues, ready to be tokenised dialogue by dialogue."""

    def __init__(self, utterances: pd.DataFrame, tokenizer: Any, max_tokens: int) -> None:
        """
        Args:
            utterances: columns utterance_id, dialogue_id, turn, speaker, text; whole dialogues.
            max_tokens: tokens per sequence, special ones included.

        Raises:
            InputError: the tokeniser's special tokens leave no room in ``max_tokens``.
        """
        template = find_template(tokenizer, pair=False)
        self._before = template.before
        self._after, self._type = template.after, template.types[1]
        if template.count() >= max_tokens:
            raise InputError(
                f"features.text.max_tokens: {max_tokens} leaves no room beside the"
                f" {template.count()} special tokens of the encoder"
            )
        self._room = max_tokens - len(self._before)
        self._transcript = Transcript(utterances, tokenizer)

    @property
    def available(self) -> np.ndarray:
        """Whether each utterance has text: bool [N]."""
        return self._transcript.available

    def tokenize(self, rows: Sequence[int]) -> list[TokenSequence]:
        """The sequences in which the utterances at ``rows`` stand, others beside them included.

        A dialogue that is too long is cut where a sequence is full.
        """
        wanted = np.zeros(len(self.available), dtype=bool)
        wanted[np.asarray(rows, dtype=np.int64)] = True
        sequences = self._cut(wanted, lambda: len(wanted))
        return [sequence for sequence in sequences if wanted[sequence.rows].any()]

    def cut_at_random(self, generator: np.random.Generator) -> list[TokenSequence]:
        """All utterances, in sequences of 1 to `LONGEST_TRAINING_PIECE` turns, drawn evenly.

        A sequence that is full before ends there.
        """
        return list(
            self._cut(
                self.available, lambda: int(generator.integers(1, LONGEST_TRAINING_PIECE + 1))
            )
        )

    def _cut(self, wanted: np.ndarray, draw_turns: Callable[[], int]) -> Iterator[TokenSequence]:
        """Cut the dialogues of the ``wanted`` rows (bool [N]) into sequences.

        Args:
            draw_turns: the most turns of the next sequence.
        """
        for turns in self._turns_of(wanted):
            piece: dict[int, list[int]] = {}
            most, length = draw_turns(), 0
            for row, tokens in turns.items():
                if piece and (len(piece) == most or length + len(tokens) > self._room):
                    yield self._join(piece)
                    piece, most, length = {}, draw_turns(), 0
                piece[row] = tokens
                length += len(tokens)
            yield self._join(piece)

    def _turns_of(self, wanted: np.ndarray) -> Iterator[dict[int, list[int]]]:
        """Row -> tokens of the turns with text, for each dialogue that a wanted row is in.

        A turn ends with the separator and is at most as long as a sequence has room for.
        """
        transcript = self._transcript
        for opening in np.unique(transcript.opening[wanted]):
            closing = transcript.closing[transcript.spoken[opening]]
            rows = transcript.spoken[opening:closing]
            rows = rows[self.available[rows]]
            room = self._room - len(self._after)
            tokens = transcript.tokens_of(rows, names=True)
            if tokens:
                yield {row: own[:room] + self._after for row, own in tokens.items()}

    def _join(self, piece: dict[int, list[int]]) -> TokenSequence:
        ids, spans = list(self._before), []
        for tokens in piece.values():
            spans.append((len(ids), len(ids) + len(tokens)))
            ids += tokens
        return TokenSequence(ids, [self._type] * len(ids), list(piece), spans)


def open_turns(
    utterances: pd.DataFrame, transformer: Transformer, settings: TextEncoderSettings
) -> Turns | Dialogues:
    """Choose how the utterances of whole dialogues are tokenised."""
    context, most = settings.context_turns, settings.max_tokens
    if context == "all":
        return Dialogues(utterances, transformer.tokenizer, most)
    return Turns(utterances, transformer.tokenizer, context, settings.next_turns, most)
