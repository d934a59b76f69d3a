"""Build the graph of every split."""

from dataclasses import asdict

from cberl.job import start_job
from cberl.artifacts import read_table, write_table, write_tensors
from cberl.corpus.tables import UTTERANCES
from cberl.graph.edges import RELATIONS, build_edges, list_nodes
from cberl.graph.settings import GraphSettings
from cberl.graph.tables import NODES
from cberl.modalities import SPLITS
from cberl.oversample.tables import SYNTHETIC
from cberl.settings import read_settings

with start_job(snakemake) as job:
    settings = read_settings(GraphSettings, job.settings)
    utterances = read_table(snakemake.input.utterances, UTTERANCES)
    synthetic = read_table(snakemake.input.synthetic, SYNTHETIC)
    for position, split in enumerate(SPLITS):
        nodes = list_nodes(utterances, synthetic, split)
        edges = build_edges(nodes, settings.past_window, settings.future_window)
        write_table(snakemake.output.nodes[position], NODES, nodes, job.provenance)
        write_tensors(
            snakemake.output.edges[position],
            "graph",
            edges,
            job.provenance,
            metadata={**asdict(settings), "relations": RELATIONS},
        )
