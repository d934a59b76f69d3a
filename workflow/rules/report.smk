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
        utterances=rules.ingest_corpus.output.utterances,
        labels=rules.ingest_corpus.output.labels,
        quality=rules.assess_quality.output.quality,
        features=expand(
            "results/{corpus}/features/{modality}/test.parquet",
            modality=MODALITIES,
            allow_missing=True,
        ),
        synthetic=expand(
            "results/{corpus}/oversample/{oversampler}/seed{seed}/synthetic.parquet",
            oversampler=OVERSAMPLERS,
            seed=SEEDS,
            allow_missing=True,
        ),
        synthetic_quality=expand(
            "results/{corpus}/oversample/{oversampler}/seed{seed}/quality.parquet",
            oversampler=OVERSAMPLERS,
            seed=SEEDS,
            allow_missing=True,
        ),
        histories=expand(
            "results/{corpus}/{trained}/seed{seed}/history.parquet",
            trained=[
                *(f"train/{variant}" for variant in VARIANTS),
                *(f"fuse/{fused}" for fused in FUSED if fused.endswith("-vae")),
                *(f"oversample/{name}" for name in OVERSAMPLERS if name == "gan"),
            ],
            seed=SEEDS,
            allow_missing=True,
        ),
        latents=expand(
            "results/{corpus}/fuse/{fused}/seed{seed}/train.parquet",
            fused=FUSED,
            seed=SEEDS[0],
            allow_missing=True,
        ),
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
        settings={"config": config, "variants": VARIANTS},
        code=code_of("render_report.py"),
        assets=assets_of("cberl/report/assets"),
    script:
        "../scripts/render_report.py"
