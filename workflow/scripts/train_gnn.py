"""Train the graph network."""

from cberl.artifacts import write_table, write_tensors
from cberl.corpus.labels import read_classes
from cberl.graph.conversations import read_conversations
from cberl.job import start_job
from cberl.tables import HISTORY
from cberl.train.fit import train_gnn

with start_job(snakemake, torch=True) as job:
    classes = read_classes(snakemake.input.labels[0])
    train, dev = (
        read_conversations(
            nodes=snakemake.input.nodes[position],
            edges=snakemake.input.edges[position],
            latents=snakemake.input.latents[position],
            labels=snakemake.input.labels[position],
            synthetic=snakemake.input.synthetic if position == 0 else None,
        )
        for position in range(2)
    )
    network, history = train_gnn(train, dev, classes, job.settings, job.seed)
    metadata = network.describe() | {"classes": classes}
    write_tensors(snakemake.output.model, "network", network.state_dict(), job.provenance, metadata)
    write_table(snakemake.output.history, HISTORY, history, job.provenance)
