"""Copy training dialogues and give their rare-class turns features from the GAN."""

from cberl.artifacts import open_table, read_tensors
from cberl.job import start_job
from cberl.oversample.dialogue_copies import fill_places, read_training
from cberl.oversample.gan.sample import load_gan, sample_gan
from cberl.oversample.tables import SYNTHETIC

with start_job(snakemake, torch=True) as job:
    train = read_training(
        dict(zip(job.settings["modalities"], snakemake.input.features, strict=True)),
        snakemake.input.scaler,
        snakemake.input.utterances,
        snakemake.input.labels,
        job.settings["target"],
        job.seed,
    )
    gan = load_gan(*read_tensors(snakemake.input.model, "gan"))
    samples = sample_gan(gan, train.features, train.labels, train.places.labels, job.seed)
    with open_table(snakemake.output.synthetic, SYNTHETIC, job.provenance) as table:
        for frame, matrices in fill_places(train.places, samples, train.classes):
            table.write(frame, matrices)
