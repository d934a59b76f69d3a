"""The tables of the train stage."""

from cberl.tables import REMOVED, TEXT, UTTERANCE_ID, VECTOR, Column, TableKind

PREDICTIONS = TableKind(
    "predictions",
    "A trained model's predictions for every dev and test utterance, without their labels.",
    ("utterance_id", "removed"),
    (
        UTTERANCE_ID,
        REMOVED,
        Column("split", TEXT, "dev or test"),
        Column("predicted", TEXT, "the most probable class"),
        Column("probabilities", VECTOR, "one per class, in the order of the metadata's classes"),
    ),
)
