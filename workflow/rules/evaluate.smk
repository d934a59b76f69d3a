"""Comparing predictions with the truth: the only rules that read test labels."""


rule evaluate_predictions:
    """Score every variant and seed per class, with intervals and paired comparisons."""
    input:
        predictions=expand(
            "results/{corpus}/train/{variant}/seed{seed}/predictions.parquet",
            variant=VARIANTS,
            seed=SEEDS,
            allow_missing=True,
        ),
        utterances=rules.ingest_corpus.output.utterances,
        labels=rules.ingest_corpus.output.labels,
        quality=rules.assess_quality.output.quality,
    output:
        per_class="results/{corpus}/evaluate/per_class.parquet",
        overall="results/{corpus}/evaluate/overall.parquet",
        confusion="results/{corpus}/evaluate/confusion.parquet",
        summary="results/{corpus}/evaluate/summary.parquet",
        comparison="results/{corpus}/evaluate/comparison.parquet",
        contribution="results/{corpus}/evaluate/contribution.parquet",
        ensemble="results/{corpus}/evaluate/ensemble.parquet",
        subgroups="results/{corpus}/evaluate/subgroups.parquet",
        calibration="results/{corpus}/evaluate/calibration.parquet",
        scored="results/{corpus}/evaluate/scored.parquet",
    log:
        "results/{corpus}/logs/evaluate_predictions.log",
    benchmark:
        "results/{corpus}/benchmarks/evaluate_predictions.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(250, predictions=25, utterances=20),
        runtime=growing(30),
    params:
        settings=config["evaluate"] | {"variants": list(VARIANTS), "seeds": SEEDS},
        code=code_of("evaluate_predictions.py"),
    script:
        "../scripts/evaluate_predictions.py"
