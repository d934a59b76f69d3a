"""Copy training dialogues and give their rare-class turns resampled features."""

from cberl.job import start_job
from cberl.artifacts import open_table
from cberl.oversample.dialogue_copies import fill_copies, read_training
from cberl.oversample.resample import resample
from cberl.oversample.settings import OversampleSettings
from cberl.oversample.tables import SYNTHETIC
from cberl.settings import read_settings

with start_job(snakemake) as job:
    inputs, oversampler = snakemake.input, snakemake.wildcards.oversampler
    settings = read_settings(OversampleSettings, job.settings)
    train, plan = read_training(
        inputs.features,
        inputs.scaler,
        inputs.utterances,
        inputs.labels,
        "none" if oversampler == "none" else settings.target,
        job.seed,
    )
    samples = resample(oversampler, train, plan.labels, settings.smote.neighbours, job.seed)
    with open_table(snakemake.output.synthetic, SYNTHETIC, job.provenance) as table:
        for frame, matrices in fill_copies(plan, samples):
            table.write(frame, matrices)
