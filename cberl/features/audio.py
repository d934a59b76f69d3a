"""Audio features: openSMILE functionals of each utterance's sound."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.artifacts import read_batches
from cberl.corpus.tables import MEDIA
from cberl.features.rows import count_rows, feature_rows
from cberl.log import progress

CLIPS_AT_ONCE = 64
FULL_SCALE = np.float32(32768)  # of 16-bit samples


class AudioExtractor:
    """Computes one vector of functionals per clip with openSMILE (Eyben et al., ACM MM 2010).

    A clip without sound is unavailable, and so is one that is shorter than the set's longest
    analysis window (50 to 70 ms, as the set has it): openSMILE finds no frame in it, and padding
    it with silence would invent pauses that nobody made. A clip of which openSMILE makes a value
    that is not finite is unavailable too. Each such clip is named in the log.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """
        Args:
            settings: section ``features.audio`` of the configuration.
        """
        import opensmile

        self._set = settings["encoder"]
        self._smile = opensmile.Smile(opensmile.FeatureSet[self._set])

    def describe(self) -> dict[str, Any]:
        """Facts for a reader of the features."""
        names = list(self._smile.column_names)
        return {
            "modality": "audio",
            "encoder": f"openSMILE {self._set} functionals",
            "width": len(names),
            "names": names,
        }

    def extract(self, media: str | Path) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Compute the functionals of one shard's decoded clips.

        Args:
            media: a table of media.

        Yields:
            (frame [utterance_id, available, is_synthetic], float32 [rows, width], NaN where
            unavailable), in the order of ``media``.
        """
        columns = ["utterance_id", "audio", "sample_rate"]
        batches = read_batches(media, MEDIA, CLIPS_AT_ONCE, columns)
        pieces = -(-count_rows(media) // CLIPS_AT_ONCE)
        width = self._smile.num_features
        for batch in progress(batches, pieces, f"pieces of {CLIPS_AT_ONCE} clips"):
            features = np.full((len(batch), width), np.nan, dtype=np.float32)
            for row, clip in enumerate(batch.itertuples()):
                if clip.audio is not None and len(clip.audio):
                    features[row] = self._functionals(
                        clip.utterance_id, clip.audio, int(clip.sample_rate)
                    )
            yield feature_rows(batch["utterance_id"], features), features
        if pieces == 0:
            nothing = np.empty((0, width), dtype=np.float32)
            yield feature_rows([], nothing), nothing

    def _functionals(self, name: str, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """Functionals float32 [width] of int16 samples; all NaN where there are none."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of short clips, which are named below
            values = self._smile(samples.astype(np.float32) / FULL_SCALE, sample_rate).ravel()
        finite = np.isfinite(values)
        if finite.all():
            return values
        if np.isnan(values).all():
            logging.warning("%s: %d samples are too few for %s", name, len(samples), self._set)
        else:
            feature = self._smile.column_names[int(np.argmin(finite))]
            logging.warning("%s: %s of %s is not finite", name, feature, self._set)
        return np.full_like(values, np.nan)
