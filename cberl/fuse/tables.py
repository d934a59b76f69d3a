"""The tables of the fuse stage."""

from cberl.tables import FLAG, IS_SYNTHETIC, REMOVED, UTTERANCE_ID, VECTOR, Column, TableKind

LATENTS = TableKind(
    "latents",
    "The fused representation of one split.",
    ("utterance_id", "removed"),
    (
        UTTERANCE_ID,
        REMOVED,
        Column("available", FLAG, "at least one modality could be used"),
        IS_SYNTHETIC,
        Column(
            "latent",
            VECTOR,
            "scaled features side by side; with vae the posterior mean before them",
        ),
    ),
)
