"""Train the text encoder on training labels."""

from cberl.job import start_job
from cberl.artifacts import read_table, write_table, write_tensors
from cberl.corpus.labels import join_labels, read_classes
from cberl.corpus.tables import UTTERANCES
from cberl.features.settings import TextEncoderSettings
from cberl.features.text.auxiliary import read_auxiliary
from cberl.features.text.fit import fit_text_encoder
from cberl.fitting.checkpoint import resumable
from cberl.fitting.events import write_events
from cberl.settings import read_settings
from cberl.tables import HISTORY

with start_job(snakemake, torch=True) as job:
    utterances = read_table(snakemake.input.utterances, UTTERANCES)
    encoder = read_settings(TextEncoderSettings, job.settings["encoder"])
    classes = read_classes(snakemake.input.labels_train)
    auxiliary, others = None, {}
    if encoder.finetune.auxiliary.file:
        auxiliary, others = read_auxiliary(encoder.finetune.auxiliary, classes, utterances["text"])
    with resumable(snakemake.output.encoder, job.provenance, job.params) as checkpoint:
        network, facts, history = fit_text_encoder(
            join_labels(utterances, snakemake.input.labels_train),
            join_labels(utterances, snakemake.input.labels_dev),
            classes,
            encoder,
            job.settings["fold"],
            snakemake.params.device,
            checkpoint,
            auxiliary,
        )
        facts |= {"position": job.settings["position"]} | ({"auxiliary": others} if others else {})
        tensors = network.state_dict()
        write_tensors(snakemake.output.encoder, "encoder", tensors, job.provenance, facts)
        write_table(snakemake.output.history, HISTORY, history, job.provenance)
    for path in snakemake.output.events:
        write_events(path, history)
