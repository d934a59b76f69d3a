"""The quality table of published features."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cberl.artifacts import row_positions
from cberl.corpus.look_ahead import refuse_absent_features
from cberl.corpus.quality.media_quality import by_utterance
from cberl.corpus.readers.feature_files import FeatureFile


def assess_features(
    utterances: pd.DataFrame, published: FeatureFile, modalities: Sequence[str]
) -> pd.DataFrame:
    """Assess for every utterance and modality whether its features can be used, and if not, why.

    Returns:
        rows of the table QUALITY: utterances in their order, each with its modalities in theirs;
        what only media could show is null.

    Raises:
        InputError: the file has no features of a modality; see also
            `cberl.corpus.readers.feature_files.FeatureFile.pieces`.
    """
    refuse_absent_features(published.vectors, modalities)
    positions = row_positions(published.ids, utterances["utterance_id"], "corpus.file")
    parts = []
    for modality in modalities:
        found = [reason for _, reasons in published.pieces(modality) for reason in reasons]
        reasons = np.array(found, dtype=object)[positions]
        parts.append(
            pd.DataFrame(
                {
                    "utterance_id": utterances["utterance_id"].to_numpy(),
                    "modality": modality,
                    "available": [reason is None for reason in reasons],
                    "reason": reasons,
                }
            )
        )
    return by_utterance(parts).astype(object)
