"""Audio features: openSMILE functionals or a speech network over each utterance's sound."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.artifacts import read_batches
from cberl.corpus.tables import MEDIA
from cberl.features.audio.functionals import Functionals
from cberl.features.audio.speech import SpeechNetwork
from cberl.features.encoders import is_speech_network
from cberl.features.feature_rows import count_rows, feature_rows
from cberl.features.settings import AudioSettings
from cberl.log import progress

CLIPS_AT_ONCE = 64


class AudioExtractor:
    """Computes one vector per clip.

    A clip without sound is unavailable, and so is one that is too short for the encoder's window
    (openSMILE's sets: 30 to 70 ms; speech networks: 25 ms): padding it with silence would invent
    a pause that nobody made. A clip of which openSMILE makes a value that is not finite is
    unavailable too. Each such clip is named in the log.
    """

    def __init__(self, settings: AudioSettings, device: str = "auto") -> None:
        """
        Args:
            settings: of the audio encoder.
            device: auto, cpu or cuda; of a speech network.

        Raises:
            InputError: the encoder is not available.
        """
        name = settings.encoder
        self._encoder: Functionals | SpeechNetwork = (
            SpeechNetwork(name, device) if is_speech_network(name) else Functionals(name)
        )

    def describe(self) -> dict[str, Any]:
        """Facts for a reader of the features."""
        return {
            "modality": "audio",
            "width": self._encoder.width,
            **self._encoder.describe(),
        }

    def extract(self, media: str | Path) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Encode one shard's decoded clips.

        Args:
            media: a table of media.

        Yields:
            (frame [utterance_id, available, is_synthetic], float32 [rows, width], NaN where
            unavailable), in the order of ``media``.
        """
        columns = ["utterance_id", "audio", "sample_rate"]
        batches = read_batches(media, MEDIA, CLIPS_AT_ONCE, columns)
        pieces = -(-count_rows(media) // CLIPS_AT_ONCE)
        for batch in progress(batches, pieces, f"pieces of {CLIPS_AT_ONCE} clips"):
            features = np.full((len(batch), self._encoder.width), np.nan, dtype=np.float32)
            for row, clip in enumerate(batch.itertuples()):
                if clip.audio is not None and len(clip.audio):
                    features[row] = self._encoder.encode(
                        clip.utterance_id, clip.audio, int(clip.sample_rate)
                    )
            yield feature_rows(batch["utterance_id"], features), features
        if pieces == 0:
            nothing = np.empty((0, self._encoder.width), dtype=np.float32)
            yield feature_rows([], nothing), nothing
