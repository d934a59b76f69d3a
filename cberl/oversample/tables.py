"""The tables of the oversample stage."""

from cberl.modalities import MODALITIES
from cberl.tables import ALL_CLASSES, COUNT, FLAG, NUMBER, TEXT, VECTOR, Column, TableKind

SYNTHETIC = TableKind(
    "synthetic",
    "Copied training dialogues in which turns of rare classes take generated features.",
    ("utterance_id",),
    (
        Column("utterance_id", TEXT, "train/dialogue~copy/utterance, unique in the corpus"),
        Column("source_utterance_id", TEXT, "the training utterance whose turn is taken"),
        Column("dialogue_id", TEXT, "train/dialogue~copy"),
        Column("turn", COUNT, "rank in the dialogue, from 0"),
        Column("speaker", TEXT, "speaker of the source utterance"),
        Column("label", TEXT, "class; null on context turns, whose loss is masked", nullable=True),
        Column("is_synthetic", FLAG, "features were generated; false: context, same as source"),
        *(
            Column(
                f"{modality}{suffix}", dtype, f"{modality}: {what}", nullable=True, optional=True
            )
            for modality in MODALITIES
            for suffix, dtype, what in (
                ("_available", FLAG, "present in the sample; null on context turns"),
                ("", VECTOR, "generated features, scaled; null on context turns and where absent"),
            )
        ),
    ),
)

SYNTHETIC_QUALITY = TableKind(
    "synthetic_quality",
    "How good the synthetic samples are, per class and over all: one row per quantity.",
    ("label", "quantity"),
    (
        Column("label", TEXT, f"a class, or {ALL_CLASSES}"),
        Column("quantity", TEXT, "what is measured; the metadata explain each"),
        Column("value", NUMBER, "null where there are too few rows", nullable=True),
        Column("note", TEXT, "why the value is null, or what is wrong with it", nullable=True),
    ),
)
