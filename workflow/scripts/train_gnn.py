"""Train the graph network."""

from cberl.job import start_job
from cberl.artifacts import write_table
from cberl.fitting.checkpoint import resumable
from cberl.fitting.events import write_events
from cberl.fitting.network_files import save_network
from cberl.graph.conversations import read_conversations
from cberl.settings import read_settings
from cberl.tables import HISTORY
from cberl.train.fit import fit_classifier
from cberl.train.settings import TrainSettings

with start_job(snakemake, torch=True) as job:
    inputs, variant = snakemake.input, snakemake.params.variant
    train, dev = (
        read_conversations(
            nodes=inputs.nodes[position],
            edges=inputs.edges[position],
            latents=inputs.latents[position],
            labels=inputs.labels[position],
            synthetic=inputs.synthetic if position == 0 else None,
        )
        for position in range(2)
    )
    with resumable(snakemake.output.model, job.provenance, job.params) as checkpoint:
        network, history = fit_classifier(
            train,
            dev,
            read_settings(TrainSettings, job.settings),
            loss=variant["loss"],
            dialogue_sampling=variant["dialogue_sampling"],
            mask_weight=variant["mask_weight"],
            adjustment=variant["adjustment"],
            synthetic_rows=variant["synthetic_rows"],
            seed=job.seed,
            device=snakemake.params.device,
            checkpoint=checkpoint,
        )
        facts = {"classes": train.classes, **network.facts}
        save_network(snakemake.output.model, "network", network, job.provenance, facts)
        write_table(
            snakemake.output.history, HISTORY, history, job.provenance, metadata=network.facts
        )
    for path in snakemake.output.events:
        write_events(path, history)
