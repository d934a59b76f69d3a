"""Copy training dialogues and give their rare-class turns resampled features."""

from cberl.artifacts import open_table
from cberl.job import start_job
from cberl.oversample.dialogue_copies import fill_places, read_training
from cberl.oversample.resample import resample
from cberl.oversample.tables import SYNTHETIC

with start_job(snakemake) as job:
    oversampler = snakemake.wildcards.oversampler
    train = read_training(
        dict(zip(job.settings["modalities"], snakemake.input.features, strict=True)),
        snakemake.input.scaler,
        snakemake.input.utterances,
        snakemake.input.labels,
        "none" if oversampler == "none" else job.settings["target"],
        job.seed,
    )
    samples = resample(
        oversampler, train.features, train.labels, train.places.labels, job.settings, job.seed
    )
    with open_table(snakemake.output.synthetic, SYNTHETIC, job.provenance) as table:
        for frame, matrices in fill_places(train.places, samples, train.classes):
            table.write(frame, matrices)
