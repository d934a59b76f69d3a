"""Utterances and the turns around them as token sequences.

Without context an utterance is encoded as it stands. With turns around it the encoder sees two
segments, in the form that it was pre-trained on for pairs: first the utterance, where it stands
without context too, then the conversation, previous and later turns with their speakers' names
around the place of the utterance, of which only the speaker is named again::

    [CLS] No. [SEP] Ross: Hi. Joey: Hey, you okay? [SEP] Ross: ... [SEP] Joey: Why not? [SEP]

Its vector is pooled over the first segment: over its own words, not the speaker's name, and the
special tokens around them, as sentence encoders are trained.

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

PLACE = "..."
"""Stands for an utterance among its neighbours."""


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

    def fill(self, row: int, own: list[int], context: list[int]) -> TokenSequence:
        """Put the special tokens around ``own`` and ``context``, or ``own`` alone."""
        first = [*self.before, *own, *(self.between if self.pair else self.after)]
        second = [*context, *self.after] if self.pair else []
        types = [self.types[0]] * len(first) + [self.types[1]] * len(second)
        return TokenSequence(first + second, types, [row], [(0, len(first))])


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

    def places_of(self, rows: np.ndarray) -> list[list[int]]:
        """Tokens that stand for the utterances at ``rows`` among their neighbours."""
        if not len(rows):
            return []
        texts = [self._named(row, PLACE) for row in rows]
        return self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]

    def _written(self, row: int, names: bool) -> str:
        text = self._texts[row]
        return self._named(row, text) if names and text else text

    def _named(self, row: int, text: str) -> str:
        # The blank in front keeps turns apart where a tokeniser marks the start of words.
        speaker = self._speakers[row]
        return f" {speaker}: {text}" if speaker else f" {text}"


class Turns:
    """Utterances one by one, alone or with the turns around them, to be tokenised in pieces."""

    def __init__(
        self,
        utterances: pd.DataFrame,
        tokenizer: Any,
        context_turns: int,
        next_turns: int,
        max_tokens: int,
    ) -> None:
        """
        Args:
            utterances: columns utterance_id, dialogue_id, turn, speaker, text; whole dialogues.
            context_turns: previous turns that an utterance is encoded with; those without text
                add none.
            next_turns: later turns, likewise.
            max_tokens: tokens per sequence, special ones included.

        Raises:
            InputError: the tokeniser's special tokens leave no room in ``max_tokens``.
        """
        self._context_turns, self._next_turns = context_turns, next_turns
        self._max_tokens = max_tokens
        self._template = find_template(tokenizer, pair=context_turns + next_turns > 0)
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

    def _around(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the turns before and after ``row`` that are its context, in their order."""
        transcript = self._transcript
        place = transcript.place[row]
        first = max(transcript.opening[row], place - self._context_turns)
        last = min(transcript.closing[row], place + 1 + self._next_turns)
        return transcript.spoken[first:place], transcript.spoken[place + 1 : last]

    def tokenize(self, rows: Sequence[int]) -> list[TokenSequence]:
        """Tokenise the utterances at ``rows``, one sequence for each.

        An utterance that is too long by itself loses its last tokens. Of a conversation that is too
        long what is furthest from the utterance is left out, earlier turns from the oldest token
        on; later ones have a third of the room.
        """
        rows = np.asarray(rows, dtype=np.int64)
        alone = self._transcript.tokens_of(rows, names=False)
        if not self._template.pair:
            return [self._template.fill(int(row), self._cut(alone[row]), []) for row in rows]
        around = [self._around(row) for row in rows]
        near = [turns for both in around for turns in both]
        named = self._transcript.tokens_of(np.unique(np.concatenate([rows[:0], *near])), names=True)
        sequences = []
        for row, (before, after), place in zip(
            rows, around, self._transcript.places_of(rows), strict=True
        ):
            own = self._cut(alone[row])
            room = self._max_tokens - self._template.count() - len(own)
            earlier = [token for turn in before for token in named[turn]]
            later = [token for turn in after for token in named[turn]]
            context = self._join(earlier, place, later, room)
            sequences.append(self._template.fill(int(row), own, context))
        return sequences

    def _cut(self, own: list[int]) -> list[int]:
        return own[: self._max_tokens - self._template.count()]

    def _join(self, earlier: list[int], place: list[int], later: list[int], room: int) -> list[int]:
        """The conversation around an utterance, in at most ``room`` tokens."""
        mark = self._template.after
        middle = [*mark, *place, *mark]
        later = later[: max(0, room - len(middle)) // 3]
        left = room - len(middle) - len(later)
        if left < 0:
            return []
        return [*earlier[max(0, len(earlier) - left) :], *middle, *later]


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
    own = _find(ids, second, start + len(first) if pair else 0)
    if start < 0 or own < 0:
        raise InputError(
            f"features.text.encoder: the tokeniser {type(tokenizer).__name__} cannot be used"
        )
    return Template(
        pair=pair,
        before=ids[: start if pair else own],
        between=ids[start + len(first) : own] if pair else [],
        after=ids[own + len(second) :],
        types=(types[0], types[own]),
    )


def _find(ids: list[int], wanted: list[int], start: int) -> int:
    for position in range(start, len(ids) - len(wanted) + 1):
        if ids[position : position + len(wanted)] == wanted:
            return position
    return -1
