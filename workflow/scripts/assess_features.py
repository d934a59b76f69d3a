"""Assess which published features of every utterance can be used."""

from cberl.job import start_job
from cberl.artifacts import read_header, read_table, write_page, write_table
from cberl.corpus.quality.feature_quality import assess_features
from cberl.corpus.quality.media_quality import refuse_too_few
from cberl.corpus.quality.quality_page import render_quality_page
from cberl.corpus.readers.feature_files import read_feature_file
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.tables import QUALITY, UTTERANCES
from cberl.provenance import find_path
from cberl.settings import read_settings

with start_job(snakemake) as job:
    utterances = read_table(snakemake.input.utterances, UTTERANCES)
    settings = read_settings(CorpusSettings, job.settings)
    published = read_feature_file(settings, find_path(settings.root))
    quality = assess_features(utterances, published, snakemake.params.modalities)
    refuse_too_few(quality, settings.max_unavailable)
    write_table(snakemake.output.quality, QUALITY, quality, job.provenance)
    notices = read_header(snakemake.input.utterances)["metadata"].get("notices", [])
    write_page(snakemake.output.page, render_quality_page(quality, notices))
