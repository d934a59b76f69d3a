"""How a stage declares its Parquet tables: columns, their types and what they mean.

Each stage lists its own in its module ``tables``; `cberl.artifacts` writes and reads no others,
and a test compares docs/output.md with those lists.
"""

from dataclasses import dataclass

import pyarrow as pa

VECTOR = "vector"
"""A ``fixed_size_list<float32>`` column whose width depends on the encoder or the model."""


@dataclass(frozen=True)
class Column:
    """One column: ``dtype`` is an Arrow type or `VECTOR`; ``optional`` columns may be left out."""

    name: str
    dtype: pa.DataType | str
    description: str
    nullable: bool = False
    optional: bool = False


@dataclass(frozen=True)
class TableKind:
    """A table: ``key`` columns together name a row and never repeat."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Names of the columns, in their order."""
        return [column.name for column in self.columns]

    @property
    def vectors(self) -> list[str]:
        """Names of the columns of vectors."""
        return [column.name for column in self.columns if column.dtype == VECTOR]


TEXT = pa.string()
FLAG = pa.bool_()
COUNT = pa.int32()
NUMBER = pa.float64()

NOTHING_REMOVED = "none"
"""Value of the column ``removed`` where no modality was left out."""

ALL_CLASSES = "(all)"
"""Stands in the place of a class in rows about all classes together."""

UTTERANCE_ID = Column("utterance_id", TEXT, "split/dialogue/utterance, unique in the corpus")
IS_SYNTHETIC = Column("is_synthetic", FLAG, "made by an oversampler, not recorded")
REMOVED = Column(
    "removed", TEXT, f"modality left out on purpose; '{NOTHING_REMOVED}' for the real thing"
)

HISTORY = TableKind(
    "history",
    "A training run, one row per epoch, split and quantity.",
    ("epoch", "split", "quantity"),
    (
        Column("epoch", COUNT, "from 1; 0: before training, where that may be the best"),
        Column("split", TEXT, "train or dev"),
        Column("quantity", TEXT, "loss, macro_f1 and the like"),
        Column("value", NUMBER, "mean over the epoch"),
    ),
)
