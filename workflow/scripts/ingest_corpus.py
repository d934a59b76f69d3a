"""Read conversations and labels."""

import logging

from cberl.job import start_job
from cberl.artifacts import write_table
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.tables import LABELS, UTTERANCES
from cberl.modalities import SPLITS
from cberl.provenance import find_path
from cberl.settings import read_settings

with start_job(snakemake) as job:
    settings = read_settings(CorpusSettings, job.settings)
    corpus = read_corpus(settings, find_path(settings.root))
    for notice in corpus.notices:
        logging.warning(notice)
    metadata = {"notices": list(corpus.notices), "split_by": corpus.split_by}
    path = snakemake.output.utterances
    write_table(path, UTTERANCES, corpus.utterances, job.provenance, metadata=metadata)
    for split, path in zip(SPLITS, snakemake.output.labels, strict=True):
        metadata = {"classes": corpus.classes, "split": split}
        write_table(path, LABELS, corpus.labels_of(split), job.provenance, metadata=metadata)
