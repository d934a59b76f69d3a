"""Copy training dialogues and give their rare-class turns features from the GAN."""

from cberl.artifacts import read_table, read_tensors, write_table
from cberl.corpus.labels import read_classes, read_labels
from cberl.corpus.tables import UTTERANCES
from cberl.job import start_job
from cberl.oversample.gan import load_gan, sample_gan
from cberl.oversample.place import fill_places, plan_places
from cberl.oversample.tables import SYNTHETIC
from cberl.oversample.target import target_counts

with start_job(snakemake, torch=True) as job:
    utterances = read_table(snakemake.input.utterances, UTTERANCES)
    train = utterances[utterances["split"] == "train"]
    labels = read_labels(snakemake.input.labels, train["utterance_id"].to_numpy())
    classes = read_classes(snakemake.input.labels)
    wanted = target_counts(labels, len(classes), job.settings["target"])
    places = plan_places(train, labels, wanted, job.seed)
    gan = load_gan(*read_tensors(snakemake.input.model, "gan"))
    features = sample_gan(gan, places.labels, job.seed)
    frame, matrices = fill_places(places, features, classes)
    write_table(snakemake.output.synthetic, SYNTHETIC, frame, job.provenance, matrices)
