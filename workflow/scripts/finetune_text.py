"""Train the text encoder on training labels."""

from cberl.artifacts import write_table, write_tensors
from cberl.features.text.finetune import finetune_text
from cberl.job import start_job
from cberl.tables import HISTORY

with start_job(snakemake, torch=True) as job:
    tensors, facts, history = finetune_text(
        snakemake.input.utterances,
        snakemake.input.labels_train,
        snakemake.input.labels_dev,
        job.settings,
    )
    write_tensors(snakemake.output.encoder, "encoder", tensors, job.provenance, facts)
    write_table(snakemake.output.history, HISTORY, history, job.provenance)
