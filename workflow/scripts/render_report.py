"""Write the report page, the verdict as plain text, and a model card per trained model."""

import logging
from pathlib import Path

from cberl.job import start_job
from cberl.artifacts import write_page
from cberl.evaluate.tables import TABLES
from cberl.report.doubts import write_doubts
from cberl.report.model_card import write_model_card
from cberl.report.page import render_page
from cberl.report.run import place_of, read_run
from cberl.report.verdict import write_verdict

with start_job(snakemake) as job:
    run = read_run(
        evaluation={kind.name: snakemake.input[kind.name] for kind in TABLES},
        corpus={name: snakemake.input[name] for name in ("utterances", "quality")},
        labels_train=snakemake.input.labels_train,
        features=snakemake.input.features,
        synthetic=snakemake.input.synthetic,
        synthetic_quality=snakemake.input.synthetic_quality,
        histories=snakemake.input.histories,
        latents=snakemake.input.latents,
        settings=job.settings,
        provenance=job.provenance,
    )
    for doubt in write_doubts(run, list(run.variants)):
        logging.warning(doubt)
    page = Path(snakemake.output.page)
    write_page(page, render_page(run))
    write_page(snakemake.output.verdict, write_verdict(run.evaluation, str(page)))
    for path in snakemake.output.cards:
        place = place_of(path)
        write_page(path, write_model_card(run, place.name, place.seed))
