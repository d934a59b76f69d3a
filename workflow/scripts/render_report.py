"""Write the report page and the verdict as plain text."""

from cberl.artifacts import write_text
from cberl.job import start_job
from cberl.report.evaluation import read_evaluation
from cberl.report.page import render_page
from cberl.report.verdict import write_verdict

with start_job(snakemake) as job:
    evaluation = read_evaluation(dict(snakemake.input.items()))
    write_text(snakemake.output.page, render_page(evaluation, {}))
    write_text(snakemake.output.verdict, write_verdict(evaluation, snakemake.output.page))
