"""Rows of a table of features."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq


def feature_rows(ids: Sequence[str], features: np.ndarray) -> pd.DataFrame:
    """The columns beside ``features`` float [N, width]; a row of NaN is unavailable."""
    available = ~np.isnan(features).all(axis=1)
    return pd.DataFrame(
        {
            "utterance_id": np.asarray(ids, dtype=object),
            "available": available,
            "is_synthetic": np.zeros(len(available), dtype=bool),
        }
    )


def count_rows(path: str | Path) -> int:
    """Rows of a Parquet file, from its footer."""
    return pq.read_metadata(path).num_rows
