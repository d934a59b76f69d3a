"""Write the report page and the verdict as plain text."""

from cberl.artifacts import write_text
from cberl.evaluate.tables import TABLES
from cberl.job import start_job
from cberl.report.page import render_page
from cberl.report.run import read_run
from cberl.report.verdict import write_verdict

with start_job(snakemake) as job:
    run = read_run(
        evaluation={kind.name: snakemake.input[kind.name] for kind in TABLES},
        corpus={name: snakemake.input[name] for name in ("utterances", "quality")},
        labels=snakemake.input.labels,
        features=snakemake.input.features,
        synthetic=snakemake.input.synthetic,
        synthetic_quality=snakemake.input.synthetic_quality,
        histories=snakemake.input.histories,
        latents=snakemake.input.latents,
        settings=job.settings,
        provenance=job.provenance,
    )
    write_text(snakemake.output.page, render_page(run))
    write_text(snakemake.output.verdict, write_verdict(run.evaluation, snakemake.output.page))
