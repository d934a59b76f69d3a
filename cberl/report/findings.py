"""What the evaluate stage found, as the report needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.artifacts import read_header, read_matrix, read_table
from cberl.evaluate import tables
from cberl.tables import ALL_CLASSES, NOTHING_REMOVED


@dataclass(frozen=True)
class Evaluation:
    """The tables of the evaluate stage (see `cberl.evaluate.tables`) and what they are about.

    Attributes:
        frames: name of a table -> its rows, without vectors.
        probabilities: of the table scored: float32 [rows, K].
        resamples: bootstrap resamples behind each interval.
        confidence: coverage of the intervals, 0 to 1.
        split_by: what is resampled: dialogue, speaker or group.
        groups: how many of those with a label the test split has.
    """

    corpus: str
    classes: list[str]
    variants: list[str]
    seeds: list[int]
    resamples: int
    confidence: float
    split_by: str
    groups: int
    frames: dict[str, pd.DataFrame]
    probabilities: np.ndarray

    def score(
        self, variant: str, metric: str, name: str = ALL_CLASSES, split: str = "test"
    ) -> pd.Series:
        """The row of the summary of one score with no modality removed."""
        return self.find(
            "summary", variant=variant, split=split, removed=NOTHING_REMOVED, name=name
        ).loc[metric]

    def difference(self, variant: str, reference: str, metric: str) -> pd.Series:
        """The row of the comparison of two variants on test, over all classes."""
        return self.find(
            "comparison", variant=variant, reference=reference, split="test", name=ALL_CLASSES
        ).loc[metric]

    def find(self, table: str, name: str | None = None, **values: object) -> pd.DataFrame:
        """Rows of a table by column values (``name`` is the class), indexed by metric if any."""
        frame = self.frames[table]
        chosen = np.ones(len(frame), dtype=bool)
        for column, value in (values | ({"class": name} if name else {})).items():
            chosen &= (frame[column] == value).to_numpy()
        rows = frame[chosen]
        return rows.set_index("metric") if "metric" in rows.columns and name else rows

    def labelled(self, split: str) -> int:
        """Labelled utterances of a split."""
        rows = self.find("overall", split=split, removed=NOTHING_REMOVED)
        return int(rows["utterances"].iloc[0]) if len(rows) else 0

    def support(self) -> dict[str, int]:
        """Class -> utterances of the test split."""
        rows = self.find(
            "per_class",
            variant=self.variants[0],
            seed=self.seeds[0],
            split="test",
            removed=NOTHING_REMOVED,
        )
        return dict(zip(rows["class"], rows["support"].astype(int), strict=True))

    def chosen_variant(self) -> str:
        """The variant with the highest macro-F1 on dev: test has no part in the choice."""
        scores = [self.score(variant, "macro_f1", split="dev")["mean"] for variant in self.variants]
        if np.isnan(scores).all():
            return self.variants[0]
        return self.variants[int(np.nanargmax(scores))]


def read_evaluation(paths: Mapping[str, str | Path]) -> Evaluation:
    """Read the tables of the evaluate stage, by their names."""
    metadata = read_header(paths["summary"])["metadata"]
    frames = {name: read_table(path, getattr(tables, name.upper())) for name, path in paths.items()}
    return Evaluation(
        corpus=frames["summary"]["corpus"].iloc[0],
        classes=metadata["classes"],
        variants=metadata["variants"],
        seeds=metadata["seeds"],
        resamples=metadata["resamples"],
        confidence=metadata["confidence"],
        split_by=metadata["split_by"],
        groups=metadata["groups"],
        frames=frames,
        probabilities=read_matrix(paths["scored"], "probabilities"),
    )
