"""The report page, and the table printed at the end of a run."""


rule render_report:
    """Write the report: one page that opens from disk, and the verdict as plain text."""
    input:
        per_class=rules.evaluate_predictions.output.per_class,
        overall=rules.evaluate_predictions.output.overall,
        confusion=rules.evaluate_predictions.output.confusion,
        summary=rules.evaluate_predictions.output.summary,
        comparison=rules.evaluate_predictions.output.comparison,
        contribution=rules.evaluate_predictions.output.contribution,
        ensemble=rules.evaluate_predictions.output.ensemble,
        subgroups=rules.evaluate_predictions.output.subgroups,
        calibration=rules.evaluate_predictions.output.calibration,
        scored=rules.evaluate_predictions.output.scored,
        utterances=rules.ingest_corpus.output.utterances,
        labels_train="results/{corpus}/corpus/labels_train.parquet",
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
            "results/{corpus}/{trained}/history.parquet",
            trained=TRAINED,
            allow_missing=True,
        ),
        latents=expand(
            "results/{corpus}/fuse/{fused}/seed{seed}/{split}.parquet",
            fused=FUSED,
            seed=SEEDS[0],
            split=["train", "test"],
            allow_missing=True,
        ),
    output:
        page=report(
            "results/{corpus}/report/index.html",
            caption="../report/page.rst",
            category="Verdict",
            labels={"what": "report page"},
        ),
        verdict=report(
            "results/{corpus}/report/verdict.txt",
            caption="../report/verdict.rst",
            category="Verdict",
            labels={"what": "verdict as text"},
        ),
        cards=report(
            expand(
                "results/{corpus}/report/{variant}/seed{seed}/model_card.md",
                variant=VARIANTS,
                seed=SEEDS,
                allow_missing=True,
            ),
            caption="../report/model_card.rst",
            category="Model cards",
        ),
    log:
        "results/{corpus}/logs/render_report.log",
    benchmark:
        "results/{corpus}/benchmarks/render_report.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(505, utterances=75, latents=0.41),
        runtime=growing(20),
    params:
        settings={"config": config, "variants": VARIANTS},
        code=code_of("render_report.py"),
        assets=assets_of("cberl/report/assets"),
    script:
        "../scripts/render_report.py"
