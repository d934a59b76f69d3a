"""openSMILE functionals: one vector of statistics over a clip's low-level descriptors."""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from cberl.corpus.media.samples import from_int16
from cberl.errors import InputError
from cberl.features.encoders import AUDIO_ENCODER, FUNCTIONALS
from cberl.provenance import find_path


class Functionals:
    """A set of functionals that openSMILE ships, or a user's own configuration file.

    openSMILE: Eyben, Wöllmer and Schuller, ACM Multimedia 2010.
    """

    def __init__(self, encoder: str) -> None:
        """
        Args:
            encoder: name of a set, or path of a configuration file that writes its functionals
                to the level ``func``, as the shipped ones do.

        Raises:
            InputError: openSMILE refuses the file.
        """
        import opensmile
        from opensmile.core.lib import OpenSmileException

        shipped = encoder in FUNCTIONALS
        source = opensmile.FeatureSet[encoder] if shipped else str(find_path(encoder))
        try:
            # openSMILE reports errors in a file on its own output, which is the job's log.
            self._smile = opensmile.Smile(source)
        except OpenSmileException as error:
            raise InputError(
                f"{AUDIO_ENCODER}: openSMILE refuses {encoder}; expected a configuration that"
                f" writes to the level func ({' '.join(str(error).split())})"
            ) from None
        self._name = encoder
        self.width: int = self._smile.num_features

    def describe(self) -> dict[str, Any]:
        """Facts for a reader of the features."""
        return {
            "encoder": f"openSMILE {Path(self._name).name} functionals",
            "names": list(self._smile.column_names),
        }

    def encode(self, name: str, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """Compute the functionals of one clip.

        Args:
            name: of the utterance, for the log.
            samples: int16 [samples], mono.
            sample_rate: in Hz.

        Returns:
            float32 [width]; all NaN where the clip is shorter than the set's longest window
            (openSMILE then finds no frame) or a value is not finite.

        Raises:
            InputError: the configuration gives more than one vector per clip.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of short clips, which are named below
            values = self._smile(from_int16(samples), sample_rate)[0]
        if values.shape[1] != 1:  # [width, vectors]
            raise InputError(
                f"{AUDIO_ENCODER}: {self._name} gives {values.shape[1]} vectors for {name};"
                " expected one per clip"
            )
        values = values[:, 0].astype(np.float32)
        finite = np.isfinite(values)
        if finite.all():
            return values
        if np.isnan(values).all():
            logging.warning("%s: %d samples are too few for %s", name, len(samples), self._name)
        else:
            feature = self._smile.column_names[int(np.argmin(finite))]
            logging.warning("%s: %s of %s is not finite", name, feature, self._name)
        return np.full_like(values, np.nan)
