"""Features that somebody already extracted, in place of an extraction."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cberl.artifacts import row_positions
from cberl.corpus.readers.feature_files import read_feature_file
from cberl.corpus.settings import CorpusSettings
from cberl.features.feature_rows import feature_rows
from cberl.features.probe import Probe, probe_features
from cberl.modalities import SPLITS
from cberl.provenance import find_path


def import_features(
    settings: CorpusSettings, utterances: pd.DataFrame, modalities: Sequence[str]
) -> tuple[dict[tuple[str, str], tuple[pd.DataFrame, np.ndarray]], dict[str, Probe]]:
    """Cut published features by modality and split, and probe each modality.

    Args:
        settings: of a corpus of kind features.
        utterances: ``utterance_id``, ``split`` and ``split_group`` of the table UTTERANCES.

    Returns:
        (modality, split) -> rows of the table FEATURES but for the vectors, and the vectors,
        float32 [rows, width], NaN where absent; modality -> its probe, where one can be made.

    Raises:
        InputError: see `cberl.corpus.readers.feature_files.read_feature_file`; an utterance is not
            in the file.
    """
    published = read_feature_file(settings, find_path(settings.root))
    positions = row_positions(published.ids, utterances["utterance_id"], settings.file)
    labels = published.rows["label"].to_numpy(dtype=object)[positions]
    cut, probes = {}, {}
    for modality in modalities:
        matrix = published.matrices[modality][positions]
        for split in SPLITS:
            rows = (utterances["split"] == split).to_numpy()
            ids = utterances["utterance_id"].to_numpy()[rows]
            cut[modality, split] = feature_rows(ids, matrix[rows]), matrix[rows]
        probe = _probe(matrix, labels, utterances)
        if probe is not None:
            probes[modality] = probe
    return cut, probes


def _probe(matrix: np.ndarray, labels: np.ndarray, utterances: pd.DataFrame) -> Probe | None:
    """Probe the labelled rows that have features; test rows are not looked at."""
    known = pd.notna(labels) & ~np.isnan(matrix).any(axis=1)
    train, dev = (known & (utterances["split"] == name).to_numpy() for name in ("train", "dev"))
    groups = utterances["split_group"].to_numpy()[train]
    return probe_features(matrix[train], labels[train], groups, matrix[dev], labels[dev])
