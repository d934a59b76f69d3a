"""Apply the frozen network to dev and test."""

import numpy as np
import pandas as pd

from cberl.artifacts import read_tensors, write_table
from cberl.graph.conversations import read_conversations, removals_of
from cberl.job import start_job
from cberl.train.predict import load_network, predict_gnn
from cberl.train.tables import PREDICTIONS

with start_job(snakemake, torch=True) as job:
    tensors, metadata = read_tensors(snakemake.input.model, "network")
    network = load_network(tensors, metadata)
    frames, probabilities = [], []
    for position, split in enumerate(("dev", "test")):
        for removed in removals_of(snakemake.input.latents[position]):
            conversations = read_conversations(
                nodes=snakemake.input.nodes[position],
                edges=snakemake.input.edges[position],
                latents=snakemake.input.latents[position],
                removed=removed,
            )
            frame, rows = predict_gnn(network, conversations, metadata["classes"])
            frames.append(frame.assign(split=split, removed=removed))
            probabilities.append(rows)
    write_table(
        snakemake.output.predictions,
        PREDICTIONS,
        pd.concat(frames, ignore_index=True),
        job.provenance,
        {"probabilities": np.concatenate(probabilities)},
        metadata={"classes": metadata["classes"]},
    )
