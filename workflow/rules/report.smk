"""The page that people look at, and the table printed at the end of a run."""


rule render_report:
    """Write the report: one page that opens from disk, and the verdict as plain text."""
    input:
        per_class=rules.evaluate_predictions.output.per_class,
        overall=rules.evaluate_predictions.output.overall,
        confusion=rules.evaluate_predictions.output.confusion,
        summary=rules.evaluate_predictions.output.summary,
        comparison=rules.evaluate_predictions.output.comparison,
        contribution=rules.evaluate_predictions.output.contribution,
        subgroups=rules.evaluate_predictions.output.subgroups,
        calibration=rules.evaluate_predictions.output.calibration,
        judged=rules.evaluate_predictions.output.judged,
    output:
        page="results/{corpus}/report/index.html",
        verdict="results/{corpus}/report/verdict.txt",
    log:
        "results/{corpus}/logs/render_report.log",
    benchmark:
        "results/{corpus}/benchmarks/render_report.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code_of("render_report.py"),
    script:
        "../scripts/render_report.py"
