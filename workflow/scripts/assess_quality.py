"""Assess which modalities of every utterance can be used."""

from cberl.job import start_job
from cberl.artifacts import read_header, read_table, write_page, write_table
from cberl.corpus.quality.media_quality import assess_quality, read_media_facts, refuse_too_few
from cberl.corpus.quality.quality_page import render_quality_page
from cberl.corpus.tables import QUALITY, UTTERANCES

with start_job(snakemake) as job:
    utterances = read_table(snakemake.input.utterances, UTTERANCES)
    facts = read_media_facts(snakemake.input.media)
    quality = assess_quality(utterances, facts, snakemake.params.modalities)
    refuse_too_few(quality, job.settings["max_unavailable"])
    write_table(snakemake.output.quality, QUALITY, quality, job.provenance)
    notices = read_header(snakemake.input.utterances)["metadata"].get("notices", [])
    write_page(snakemake.output.page, render_quality_page(quality, notices))
