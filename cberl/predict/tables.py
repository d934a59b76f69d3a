"""The table of the predict stage."""

from cberl.modalities import MODALITIES
from cberl.tables import COUNT, FLAG, NUMBER, TEXT, VECTOR, Column, TableKind

LEAST_CONFIDENCE = 0.5
"""Below it the other emotions together are more probable than the predicted one."""

TURNS = TableKind(
    "turns",
    "New conversations and what a bundle predicts for them, one row per turn.",
    ("conversation", "turn"),
    (
        Column("conversation", TEXT, "name of the recording, or of the dialogue in a table"),
        Column("turn", COUNT, "rank in the conversation, from 0"),
        Column("utterance", TEXT, "name of the utterance in a table; elsewhere as turn"),
        Column(
            "start_s",
            NUMBER,
            "seconds into the conversation, in which clips follow one another",
            True,
        ),
        Column("end_s", NUMBER, "the same; null: the turn has no times", nullable=True),
        Column("speaker", TEXT, "who speaks, as the transcript names them; unknown: it does not"),
        Column("text", TEXT, "the transcript; empty if there is none"),
        Column("predicted", TEXT, "the most probable class"),
        Column("confidence", NUMBER, "probability of the predicted class, 0 to 1"),
        Column("uncertain", FLAG, f"confidence is below {LEAST_CONFIDENCE}"),
        Column("entropy", NUMBER, "of the probabilities, in nats; 0: certain"),
        Column("probabilities", VECTOR, "one per class, in the order of the metadata's classes"),
        *(
            column
            for modality in MODALITIES
            for column in (
                Column(f"{modality}_available", FLAG, f"{modality} was there and was used"),
                Column(f"{modality}_reason", TEXT, f"why {modality} was not used", nullable=True),
            )
        ),
        Column("note", TEXT, "what was mended or is odd about the turn", nullable=True),
        Column("label", TEXT, "the class that a person set; null: none is set", nullable=True),
        Column("media_path", TEXT, "recording or clip with the turn", nullable=True),
        Column("media_start_s", NUMBER, "seconds into media_path; null: from its start", True),
        Column("media_end_s", NUMBER, "seconds into media_path; null: to its end", True),
        Column("audio_path", TEXT, "sound, if apart from media_path", nullable=True),
    ),
)
