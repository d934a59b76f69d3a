"""Score every variant and seed."""

from itertools import product

from cberl.job import start_job
from cberl.artifacts import open_table, read_header, read_table, write_table
from cberl.corpus.labels import read_classes
from cberl.corpus.tables import QUALITY, UTTERANCES
from cberl.evaluate import tables
from cberl.evaluate.evaluate_models import count_groups, evaluate, list_predictions
from cberl.evaluate.predictions import read_model_predictions
from cberl.modalities import SPLITS

with start_job(snakemake) as job:
    runs = product(job.settings["variants"], job.settings["seeds"])
    labels = dict(zip(SPLITS, snakemake.input.labels, strict=True))
    classes = read_classes(labels["test"])
    utterances = read_table(snakemake.input.utterances, UTTERANCES)
    models = read_model_predictions(
        dict(zip(runs, snakemake.input.predictions, strict=True)), utterances, labels
    )
    corpus = snakemake.wildcards.corpus
    results = evaluate(
        models,
        classes,
        utterances,
        read_table(snakemake.input.quality, QUALITY),
        corpus,
        job.settings["resamples"],
        job.settings["confidence"],
    )
    split_by = read_header(snakemake.input.utterances)["metadata"].get("split_by", "dialogue")
    metadata = {
        "classes": classes,
        "split_by": split_by,
        "groups": count_groups(models, "test"),
        **job.settings,
    }
    for name, frame in results.items():
        kind = getattr(tables, name.upper())
        write_table(snakemake.output[name], kind, frame, job.provenance, metadata=metadata)
    with open_table(snakemake.output.scored, tables.SCORED, job.provenance, metadata) as writer:
        for frame, probabilities in list_predictions(models, classes, corpus):
            writer.write(frame, {"probabilities": probabilities})
