"""Copy training dialogues and give their rare-class turns resampled features."""

from cberl.artifacts import open_table, read_table, row_positions
from cberl.corpus.labels import read_classes, read_labels
from cberl.corpus.tables import UTTERANCES
from cberl.features.featureset import read_features
from cberl.job import start_job
from cberl.oversample.check import usable_labels
from cberl.oversample.place import fill_places, plan_places
from cberl.oversample.resample import resample
from cberl.oversample.tables import SYNTHETIC
from cberl.oversample.target import target_counts

with start_job(snakemake) as job:
    paths = dict(zip(job.settings["modalities"], snakemake.input.features, strict=True))
    features = read_features(paths, snakemake.input.scaler)
    utterances = read_table(snakemake.input.utterances, UTTERANCES)
    train = utterances.iloc[
        row_positions(utterances["utterance_id"], features.ids, snakemake.input.utterances)
    ]
    labels = read_labels(snakemake.input.labels, features.ids)
    labels = usable_labels(features, labels)
    classes = read_classes(snakemake.input.labels)
    oversampler = snakemake.wildcards.oversampler
    target = "none" if oversampler == "none" else job.settings["target"]
    wanted = target_counts(labels, classes, target)
    places = plan_places(train, labels, wanted, job.seed)
    samples = resample(oversampler, features, labels, places.labels, job.settings, job.seed)
    with open_table(snakemake.output.synthetic, SYNTHETIC, job.provenance) as table:
        for frame, matrices in fill_places(places, samples, classes):
            table.write(frame, matrices)
