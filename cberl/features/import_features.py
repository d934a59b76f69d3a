"""Features that somebody already extracted, in place of an extraction."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cberl.artifacts import row_positions
from cberl.corpus.readers.feature_files import read_published
from cberl.corpus.settings import CorpusSettings
from cberl.features.feature_rows import feature_rows
from cberl.modalities import SPLITS
from cberl.provenance import find_path


def import_features(
    settings: CorpusSettings, utterances: pd.DataFrame, modalities: Sequence[str]
) -> dict[tuple[str, str], tuple[pd.DataFrame, np.ndarray]]:
    """Cut published features by modality and split.

    Args:
        settings: of a corpus of kind features.
        utterances: ``utterance_id`` and ``split`` of the table UTTERANCES.

    Returns:
        (modality, split) -> rows of the table FEATURES but for the vectors, and the vectors,
        float32 [rows, width], NaN where absent.

    Raises:
        InputError: see `cberl.corpus.readers.feature_files.read_published`; an utterance is not
            in the file.
    """
    published = read_published(settings, find_path(settings.root))
    positions = row_positions(published.ids, utterances["utterance_id"], settings.file)
    cut = {}
    for modality in modalities:
        matrix = published.matrices[modality][positions]
        for split in SPLITS:
            rows = (utterances["split"] == split).to_numpy()
            ids = utterances["utterance_id"].to_numpy()[rows]
            cut[modality, split] = feature_rows(ids, matrix[rows]), matrix[rows]
    return cut
