"""Utterances and the turns around them as token sequences.

Without context an utterance is encoded as it stands. With previous turns the encoder sees two
segments, in the form that it was pre-trained on for pairs: first those turns of the same
dialogue, oldest first, then the utterance; every turn opens with its speaker's name::

    [CLS] Ross: Hi. Joey: Hey, you okay? [SEP] Ross: No. [SEP]

With all turns the dialogue is one sequence, cut into pieces if it is too long, and each utterance
in it has a vector of its own (`cberl.features.text.dialogues`). Speaker names and turns as plain
text follow EmoBERTa (Kim and Vossen, arXiv 2108.12009).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cberl.corpus.blank_text import is_blank
from cberl.errors import InputError


@dataclass(frozen=True)
class TokenSequence:
    """One input of the encoder, in which one or more utterances get a vector each.

    Attributes:
        ids: tokens, special ones included.
        types: segment of each token.
        rows: the utterances that get a vector.
        spans: of each of them, the tokens [start, end) that its vector is pooled over.
    """

    ids: list[int]
    types: list[int]
    rows: list[int]
    spans: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Template:
    """A tokeniser's special tokens around one or two segments, and their segment types."""

    pair: bool
    before: list[int]
    between: list[int]
    after: list[int]
    types: tuple[int, int]

    def count(self) -> int:
        """How many special tokens there are."""
        return len(self.before) + len(self.between) + len(self.after)

    def fill(self, row: int, context: list[int], own: list[int]) -> TokenSequence:
        """Put the special tokens around ``context`` and ``own``, or ``own`` alone."""
        first = [*self.before, *context, *self.between]
        second = [*own, *self.after]
        ids = first + second
        types = [self.types[0]] * len(first) + [self.types[1]] * len(second)
        if not self.pair or not own:
            return TokenSequence(ids, types, [row], [(0, len(ids))])
        return TokenSequence(ids, types, [row], [(len(first), len(first) + len(own))])


class Transcript:
    """Texts and speakers of some whole dialogues, and the order of speaking.

    Attributes:
        available: whether each utterance has text: bool [N].
        spoken: rows in the order of dialogues and their turns: int64 [N].
        place: of each row, its position in ``spoken``: int64 [N].
        opening: of each row, the position in ``spoken`` of its dialogue's first turn: int64 [N].
        closing: the same of the turn after its dialogue's last one: int64 [N].
    """

    def __init__(self, utterances: pd.DataFrame, tokenizer: Any) -> None:
        """
        Args:
            utterances: columns utterance_id, dialogue_id, turn, speaker, text; whole dialogues.
        """
        self._tokenizer = tokenizer
        texts = utterances["text"].fillna("").str.strip()
        self._texts = texts.mask(texts.map(is_blank), "").to_numpy(dtype=object)
        self._speakers = utterances["speaker"].fillna("").str.strip().to_numpy(dtype=object)
        self.available = self._texts != ""
        dialogues = pd.factorize(utterances["dialogue_id"])[0]
        self.spoken = np.lexsort((utterances["turn"].to_numpy(), dialogues))
        self.place = np.empty_like(self.spoken)
        self.place[self.spoken] = np.arange(len(dialogues))
        ordered = dialogues[self.spoken]
        self.opening = np.searchsorted(ordered, dialogues, side="left")
        self.closing = np.searchsorted(ordered, dialogues, side="right")

    def tokens_of(self, rows: np.ndarray, names: bool) -> dict[int, list[int]]:
        """Tokens of the utterances at ``rows``, without special ones; none where text is absent.

        Args:
            names: put the speaker's name before the text.
        """
        if not len(rows):
            return {}
        texts = [self._written(row, names) for row in rows]
        tokens = self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return dict(zip(rows.tolist(), tokens, strict=True))

    def _written(self, row: int, names: bool) -> str:
        text = self._texts[row]
        if not names or not text:
            return text
        # The blank in front keeps turns apart where a tokeniser marks the start of words.
        speaker = self._speakers[row]
        return f" {speaker}: {text}" if speaker else f" {text}"


class Turns:
    """Utterances one by one, alone or behind their previous turns, to be tokenised in pieces."""

    def __init__(
        self, utterances: pd.DataFrame, tokenizer: Any, context_turns: int, max_tokens: int
    ) -> None:
        """
        Args:
            utterances: columns utterance_id, dialogue_id, turn, speaker, text; whole dialogues.
            context_turns: previous turns put before an utterance; those without text add none.
            max_tokens: tokens per sequence, special ones included.

        Raises:
            InputError: the tokeniser's special tokens leave no room in ``max_tokens``.
        """
        self._context_turns = context_turns
        self._max_tokens = max_tokens
        self._template = find_template(tokenizer, pair=context_turns > 0)
        if self._template.count() >= max_tokens:
            raise InputError(
                f"features.text.max_tokens: {max_tokens} leaves no room beside the"
                f" {self._template.count()} special tokens of the encoder"
            )
        self._transcript = Transcript(utterances, tokenizer)

    @property
    def available(self) -> np.ndarray:
        """Whether each utterance has text: bool [N]."""
        return self._transcript.available

    def previous(self, row: int) -> np.ndarray:
        """Rows of the turns before ``row`` that are its context, oldest first."""
        transcript = self._transcript
        place = transcript.place[row]
        first = max(transcript.opening[row], place - self._context_turns)
        return transcript.spoken[first:place]

    def tokenize(self, rows: Sequence[int]) -> list[TokenSequence]:
        """Tokenise the utterances at ``rows``, one sequence for each.

        Too long a sequence loses its context first, from the oldest token on; an utterance that
        is too long by itself loses its last tokens.
        """
        context = [self.previous(row) for row in rows]
        needed = np.unique(np.concatenate([np.asarray(rows, dtype=np.int64), *context]))
        tokens = self._transcript.tokens_of(needed, names=self._context_turns > 0)
        return [
            self._sequence(row, [token for earlier in before for token in tokens[earlier]], tokens)
            for row, before in zip(rows, context, strict=True)
        ]

    def _sequence(
        self, row: int, context: list[int], tokens: dict[int, list[int]]
    ) -> TokenSequence:
        room = self._max_tokens - self._template.count()
        own = tokens[row][:room]
        kept = min(len(context), room - len(own))
        return self._template.fill(int(row), context[len(context) - kept :], own)


def find_template(tokenizer: Any, pair: bool) -> Template:
    """Find a tokeniser's special tokens by encoding probes; works for every kind of tokeniser.

    Raises:
        InputError: the tokeniser changes a segment when it puts special tokens around it.
    """
    first, second = (tokenizer(word, add_special_tokens=False)["input_ids"] for word in "ab")
    probe = tokenizer("a", "b") if pair else tokenizer("b")
    ids = list(probe["input_ids"])
    types = list(probe.get("token_type_ids", [0] * len(ids)))
    start = _find(ids, first, 0) if pair else 0
    middle = start + len(first) if pair else 0
    own = _find(ids, second, middle)
    if start < 0 or own < 0:
        raise InputError(
            f"features.text.encoder: the tokeniser {type(tokenizer).__name__} cannot be used"
        )
    return Template(
        pair=pair,
        before=ids[:start],
        between=ids[middle:own],
        after=ids[own + len(second) :],
        types=(types[0], types[own]),
    )


def _find(ids: list[int], wanted: list[int], start: int) -> int:
    for position in range(start, len(ids) - len(wanted) + 1):
        if ids[position : position + len(wanted)] == wanted:
            return position
    return -1
