"""Copy training dialogues and give their rare-class turns features from the GAN."""

from cberl.job import start_job
from cberl.artifacts import open_table
from cberl.fitting.network_files import load_network
from cberl.oversample.dialogue_copies import fill_copies, read_training
from cberl.oversample.gan.network import GANNetwork
from cberl.oversample.gan.sample import GANSamples
from cberl.oversample.tables import SYNTHETIC

with start_job(snakemake, torch=True) as job:
    inputs = snakemake.input
    train, plan = read_training(
        inputs.features,
        inputs.scaler,
        inputs.utterances,
        inputs.labels,
        job.settings["target"],
        job.seed,
    )
    gan, _ = load_network(inputs.model, "gan", GANNetwork)
    samples = GANSamples(gan, train, plan.labels, job.seed)
    with open_table(snakemake.output.synthetic, SYNTHETIC, job.provenance) as table:
        for frame, matrices in fill_copies(plan, samples):
            table.write(frame, matrices)
