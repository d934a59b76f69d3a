"""Copy training dialogues and give their rare-class turns features from the GAN."""

from cberl.artifacts import open_table
from cberl.fitting.network_files import load_network
from cberl.job import start_job
from cberl.oversample.dialogue_copies import fill_places, read_training
from cberl.oversample.gan.network import GANNetwork
from cberl.oversample.gan.sample import GANSamples
from cberl.oversample.tables import SYNTHETIC

with start_job(snakemake, torch=True) as job:
    inputs = snakemake.input
    train, places = read_training(
        inputs.features,
        inputs.scaler,
        inputs.utterances,
        inputs.labels,
        job.settings["target"],
        job.seed,
    )
    gan, _ = load_network(inputs.model, "gan", GANNetwork)
    samples = GANSamples(gan, train, places.labels, job.seed)
    with open_table(snakemake.output.synthetic, SYNTHETIC, job.provenance) as table:
        for frame, matrices in fill_places(places, samples):
            table.write(frame, matrices)
