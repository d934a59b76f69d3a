"""The tables of the features stage."""

from cberl.tables import FLAG, IS_SYNTHETIC, UTTERANCE_ID, VECTOR, Column, TableKind

FEATURES = TableKind(
    "features",
    "One modality's features, unscaled, one row per utterance.",
    ("utterance_id",),
    (
        UTTERANCE_ID,
        Column("available", FLAG, "the modality could be used; features are null where not"),
        IS_SYNTHETIC,
        Column("features", VECTOR, "output of the encoder named in the provenance", nullable=True),
    ),
)

LOG_PROBABILITIES = "log_probabilities"
"""Key of the metadata of FEATURES: the classes whose log-probabilities are the last columns."""
