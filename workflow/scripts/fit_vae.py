"""Train the joint VAE on recorded training rows."""

from cberl.job import start_job
from cberl.artifacts import write_table
from cberl.features.read_rows import read_rows
from cberl.fitting.checkpoint import resumable
from cberl.fitting.events import write_events
from cberl.fitting.network_files import save_network
from cberl.fuse.evidence import find_evidence
from cberl.fuse.settings import VAESettings
from cberl.fuse.vae.fit import fit_vae, without_labels
from cberl.settings import read_settings
from cberl.tables import HISTORY

with start_job(snakemake, torch=True) as job:
    inputs = snakemake.input
    train = read_rows(inputs.train, inputs.scaler, inputs.labels_train)
    dev = read_rows(inputs.dev, inputs.scaler, inputs.labels_dev)
    settings = read_settings(VAESettings, job.settings)
    if find_evidence(inputs.train, inputs.scaler) is not None:
        settings = without_labels(settings)
    with resumable(snakemake.output.model, job.provenance, job.params) as checkpoint:
        vae, history = fit_vae(train, dev, settings, job.seed, snakemake.params.device, checkpoint)
        facts = {"classes": train.classes, "class_weight": settings.class_weight}
        save_network(snakemake.output.model, "vae", vae, job.provenance, facts)
        write_table(snakemake.output.history, HISTORY, history, job.provenance)
    for path in snakemake.output.events:
        write_events(path, history)
