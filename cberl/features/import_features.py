"""Published features, in place of an extraction."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.artifacts import open_table, read_table, row_positions, take_vectors
from cberl.corpus.readers.feature_files import FeatureFile
from cberl.features.feature_rows import feature_rows
from cberl.features.probe import Probe, choose_rows, probe_features
from cberl.features.tables import FEATURES


@contextmanager
def published_shard(published: FeatureFile, modality: str, folder: str | Path) -> Iterator[Path]:
    """Give a modality as one shard of features, in the file's order, while the block lasts.

    From there on it is handled like extracted ones, with no more memory.

    Args:
        folder: where the shard lies for that time.

    Raises:
        InputError: see `cberl.corpus.readers.feature_files.FeatureFile.pieces`.
    """
    path, ids, done = Path(folder) / ".published.parquet", published.ids, 0
    try:
        with open_table(path, FEATURES, {}, {"modality": modality}) as table:
            for matrix, _ in published.pieces(modality):
                own = ids[done : done + len(matrix)]
                table.write(feature_rows(own, matrix), {"features": matrix})
                done += len(matrix)
        yield path
    finally:
        path.unlink(missing_ok=True)


def probe_shard(
    shard: str | Path, published: FeatureFile, utterances: pd.DataFrame
) -> Probe | None:
    """Probe labelled rows of train and dev that have features; test rows are not looked at.

    Args:
        shard: of `published_shard`.
        utterances: ``utterance_id``, ``split`` and ``split_group`` of the table UTTERANCES.

    Raises:
        InputError: an utterance is not in the shard.
    """
    available = read_table(shard, FEATURES, ["available"])["available"].to_numpy()
    positions = row_positions(published.ids, utterances["utterance_id"], shard)
    labels = published.rows["label"].to_numpy(dtype=object)[positions]
    groups = utterances["split_group"].to_numpy()
    known = pd.notna(labels) & available[positions]
    train, dev = (
        choose_rows(np.flatnonzero(known & (utterances["split"] == name).to_numpy()), groups)
        for name in ("train", "dev")
    )
    return probe_features(
        take_vectors(shard, "features", positions[train]),
        labels[train],
        groups[train],
        take_vectors(shard, "features", positions[dev]),
        labels[dev],
    )
