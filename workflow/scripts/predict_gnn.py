"""Apply the frozen network to dev and test."""

import numpy as np
import pandas as pd

from cberl.job import start_job
from cberl.artifacts import write_table
from cberl.fitting.network_files import load_network
from cberl.graph.conversations import read_conversations, removals_of
from cberl.train.network import ConversationNetwork
from cberl.train.predict import predict_classes
from cberl.train.tables import PREDICTIONS

with start_job(snakemake, torch=True) as job:
    inputs = snakemake.input
    network, facts = load_network(inputs.model, "network", ConversationNetwork)
    frames, probabilities = [], []
    for position, split in enumerate(("dev", "test")):
        for removed in removals_of(inputs.latents[position]):
            conversations = read_conversations(
                nodes=inputs.nodes[position],
                edges=inputs.edges[position],
                latents=inputs.latents[position],
                removed=removed,
            )
            frame, rows = predict_classes(network, conversations, facts["classes"])
            frames.append(frame.assign(split=split, removed=removed))
            probabilities.append(rows)
    write_table(
        snakemake.output.predictions,
        PREDICTIONS,
        pd.concat(frames, ignore_index=True),
        job.provenance,
        {"probabilities": np.concatenate(probabilities)},
        metadata={
            "classes": facts["classes"],
            "variant": snakemake.wildcards.variant,
            "seed": job.seed,
            "temperature": float(network.temperature),
        },
    )
