"""Train the multimodal GAN on the training split."""

from cberl.job import start_job
from cberl.artifacts import write_table
from cberl.features.read_rows import read_rows
from cberl.fitting.checkpoint import resumable
from cberl.fitting.events import write_events
from cberl.fitting.network_files import save_network
from cberl.oversample.gan.fit import fit_gan
from cberl.oversample.settings import GANSettings
from cberl.settings import read_settings
from cberl.tables import HISTORY

with start_job(snakemake, torch=True) as job:
    inputs = snakemake.input
    train = read_rows(inputs.features, inputs.scaler, inputs.labels)
    settings = read_settings(GANSettings, job.settings)
    with resumable(snakemake.output.model, job.provenance, job.params) as checkpoint:
        gan, history = fit_gan(train, settings, job.seed, snakemake.params.device, checkpoint)
        facts = {"classes": train.classes}
        save_network(snakemake.output.model, "gan", gan, job.provenance, facts)
        write_table(snakemake.output.history, HISTORY, history, job.provenance)
    for path in snakemake.output.events:
        write_events(path, history)
