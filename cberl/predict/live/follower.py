"""Conversations that are still going on: each turn is predicted when it is over.

What is remembered of a conversation does not grow with its length: the state of each network, the
last turns that the text encoder sees, and the speakers of the last turns that the graph sees.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from cberl.corpus import reasons
from cberl.corpus.readers.bounds import check_characters
from cberl.corpus.tables import UTTERANCES
from cberl.errors import InputError
from cberl.features.scaler import scale_rows
from cberl.features.text.extract import log_softmax
from cberl.predict.bundle.load import Models
from cberl.predict.live.online_network import NetworkState, OnlineNetwork
from cberl.predict.new_conversations import NEW, NewConversations
from cberl.predict.prediction import measure_certainty
from cberl.predict.predictor import extract_media
from cberl.predict.transcripts.turn_rows import UNKNOWN_SPEAKER
from cberl.rows import LabelledRows

KEYS = ("conversation", "speaker", "text", "media", "start", "end", "audio", "close")
ROUNDED = 6


@dataclass
class Memory:
    """What is remembered of one conversation.

    Attributes:
        turn: turns so far.
        speakers: of the last turns that the graph sees.
        said: speaker and text of the last turns that the text encoder sees.
        states: one a network.
    """

    turn: int
    speakers: deque[str]
    said: deque[tuple[str, str]]
    states: list[NetworkState]


class Follower:
    """Answers turn after turn of any number of conversations.

    Args:
        models: an opened bundle whose graph has no edge from the future.
        root: folder that the paths of clips start from.

    Raises:
        InputError: in the bundle's graph turns receive messages from later ones.
    """

    def __init__(self, models: Models, root: Path) -> None:
        graph = models.manifest.graph
        if not models.manifest.online:
            raise InputError(
                f"{models.folder}: its turns depend on later ones (graph.future_window is"
                f" {graph['future_window']}); expected a bundle trained with graph.future_window: 0"
            )
        self._models, self._root = models, root
        if models.text is not None:
            models.text.keep_weights()
        self._past_window = graph["past_window"]
        text = models.manifest.features.get("text", {})
        encoders = text.get("encoders") or [text]
        self._context_turns = max(int(own.get("context_turns", 0)) for own in encoders)
        self._networks = [OnlineNetwork(own, self._past_window) for own in models.networks]
        self._scale = models.scale
        self._nothing = {
            name: np.full((1, len(self._scale[f"{name}.mean"])), np.nan, dtype=np.float32)
            for name in models.manifest.modalities
        }
        self._memories: dict[str, Memory] = {}

    def __len__(self) -> int:
        """Conversations that are remembered."""
        return len(self._memories)

    def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Predict the next turn of a conversation, or forget one that has ended.

        Args:
            message: ``conversation``; ``text`` and ``speaker``; ``media``, a clip, with ``start``
                and ``end`` a part of it, and ``audio``, a separate sound file. Or ``conversation``
                and ``close``: true.

        Returns:
            JSON-able; see docs/predict.md.

        Raises:
            InputError: a key is unknown or missing, or its value is of another type.
        """
        conversation = check_message(message)
        if message.get("close"):
            self._memories.pop(conversation, None)
            return {"conversation": conversation, "closed": True}
        memory = self._memories.get(conversation) or self._start()
        speaker = (message.get("speaker") or "").strip() or UNKNOWN_SPEAKER
        text = message.get("text") or ""
        rows, why = self._encode(message, memory, speaker, text)
        if not rows.present.any():
            found = ", ".join(f"{name}: {why[name]}" for name in self._models.manifest.modalities)
            raise InputError(f"turn of {conversation!r} has nothing to predict from ({found})")
        log_probabilities = self._classify(rows, memory, speaker)
        answer = self._describe(conversation, memory.turn, rows, why, log_probabilities)
        memory.turn += 1
        memory.speakers.append(speaker)
        memory.said.append((speaker, text))
        self._memories[conversation] = memory
        return answer

    def _start(self) -> Memory:
        return Memory(
            0,
            deque(maxlen=self._past_window),
            deque(maxlen=self._context_turns),
            [network.start() for network in self._networks],
        )

    def _encode(
        self, message: Mapping[str, Any], memory: Memory, speaker: str, text: str
    ) -> tuple[LabelledRows, dict[str, str | None]]:
        """Scaled features of one turn, and modality -> why it is not available, or None."""
        vectors: dict[str, np.ndarray] = {}
        why: dict[str, str | None] = {}
        if self._models.text is not None:
            said = pd.DataFrame([*memory.said, (speaker, text)], columns=["speaker", "text"])
            said = said.assign(utterance_id=NEW, dialogue_id=NEW, turn=np.arange(len(said)))
            vectors["text"] = self._models.text.encode_last(said)[None]
            why["text"] = reasons.EMPTY_TEXT
        if message.get("media") or message.get("audio"):
            media_vectors, their_why, _ = extract_media(self._models, self._clip(message))
            vectors |= media_vectors
            why |= {name: reason[0] for name, reason in their_why.items()}
        else:
            absent = [name for name in self._models.manifest.modalities if name != "text"]
            vectors |= {name: self._nothing[name] for name in absent}
            why |= dict.fromkeys(absent, reasons.MISSING)
        rows = scale_rows(np.array([NEW], dtype=object), vectors, self._scale)
        return rows, {name: None if rows.available[name][0] else why[name] for name in vectors}

    def _clip(self, message: Mapping[str, Any]) -> NewConversations:
        row = dict.fromkeys(UTTERANCES.names) | {
            "utterance_id": f"{NEW}/turn/0",
            "media_path": message.get("media"),
            "media_start_s": message.get("start"),
            "media_end_s": message.get("end"),
            "audio_path": message.get("audio"),
        }
        nothing = np.full(1, np.nan)
        notes = np.full(1, None, dtype=object)
        utterances = pd.DataFrame([row], dtype=object)
        return NewConversations(utterances, nothing, nothing, notes, self._root)

    def _classify(self, rows: LabelledRows, memory: Memory, speaker: str) -> np.ndarray:
        """Calibrated log-probabilities: float64 [1, K]."""
        same = torch.tensor([own == speaker for own in memory.speakers], dtype=torch.bool)
        total = np.zeros(len(self._models.manifest.classes))
        for position, (network, state) in enumerate(
            zip(self._networks, memory.states, strict=True)
        ):
            latent = torch.from_numpy(self._models.fuse(position, rows))
            logits = network.step(latent, same, state)
            total += logits.double().log_softmax(dim=0).numpy()
        return log_softmax(total[None] / len(self._networks))

    def _describe(
        self,
        conversation: str,
        turn: int,
        rows: LabelledRows,
        why: Mapping[str, str | None],
        log_probabilities: np.ndarray,
    ) -> dict[str, Any]:
        certainty = measure_certainty(log_probabilities)
        classes = self._models.manifest.classes
        return {
            "conversation": conversation,
            "turn": turn,
            "predicted": classes[int(certainty["best"][0])],
            "confidence": round(float(certainty["confidence"][0]), ROUNDED),
            "uncertain": bool(certainty["uncertain"][0]),
            "entropy": round(float(certainty["entropy"][0]), ROUNDED),
            "probabilities": {
                emotion: round(float(chance), ROUNDED)
                for emotion, chance in zip(classes, certainty["probabilities"][0], strict=True)
            },
            "available": [name for name, mask in rows.available.items() if mask[0]],
            "missing": {name: reason for name, reason in why.items() if reason is not None},
        }


def check_message(message: Mapping[str, Any]) -> str:
    """The conversation that a message belongs to.

    Raises:
        InputError: a key is unknown or missing, or its value is of another type.
    """
    if not isinstance(message, Mapping):
        raise InputError('is no JSON object; expected {"conversation": "a", "text": "Hi."}')
    unknown = [key for key in message if key not in KEYS]
    if unknown:
        raise InputError(f"key {unknown[0]!r} is unknown; expected {', '.join(KEYS)}")
    conversation = message.get("conversation")
    if not isinstance(conversation, str) or not conversation:
        raise InputError(f"conversation is {conversation!r}; expected its name")
    for key in ("conversation", "speaker", "text", "media", "audio"):
        value = message.get(key)
        if not isinstance(value, str | None):
            raise InputError(f"{key} is {value!r}; expected text")
        check_characters(key, value or "")
    if not isinstance(message.get("close"), bool | None):
        raise InputError(f"close is {message['close']!r}; expected true")
    if message.get("close") and len(message) > 2:
        raise InputError("close is given with a turn; expected conversation and close alone")
    _check_times(message)
    return conversation


def _check_times(message: Mapping[str, Any]) -> None:
    for key in ("start", "end"):
        value = message.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{key} is {value!r}; expected seconds")
        if not 0 <= value < math.inf:
            raise InputError(f"{key} is {value!r}; expected seconds from 0 on")
        if not message.get("media"):
            raise InputError(f"{key} is there but no media; expected the clip that it is in")
    start, end = message.get("start") or 0.0, message.get("end")
    if end is not None and end <= start:
        raise InputError(f"end is {end!r}, not after the start; expected a later time")
