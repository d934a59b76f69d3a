"""The tables of the graph stage."""

from cberl.tables import COUNT, IS_SYNTHETIC, TEXT, UTTERANCE_ID, Column, TableKind

NODES = TableKind(
    "nodes",
    "The nodes of one split's graph, in the order that its edges number them.",
    ("utterance_id",),
    (
        UTTERANCE_ID,
        Column("latent_id", TEXT, "row of the latents: the utterance, or the one it copies"),
        Column("dialogue_id", TEXT, "split/dialogue, with ~copy behind it if synthetic"),
        Column("turn", COUNT, "rank in the dialogue, from 0"),
        Column("speaker", TEXT, "who speaks, as the corpus names them"),
        IS_SYNTHETIC,
    ),
)
