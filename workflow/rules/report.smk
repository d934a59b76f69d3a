"""The page that people look at, and the table printed at the end of a run."""


rule render_report:
    """Write the report: one page that opens from disk, and the verdict as plain text."""
    input:
        evaluation=rules.evaluate_predictions.output,
    output:
        page="results/{corpus}/report/index.html",
        verdict="results/{corpus}/report/verdict.txt",
    log:
        "results/{corpus}/logs/render_report.log",
    benchmark:
        "results/{corpus}/benchmarks/render_report.tsv"
    conda:
        "cberl"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code_of("render_report.py"),
    script:
        "../scripts/render_report.py"
