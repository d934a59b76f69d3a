"""Making new samples of rare emotions, from training rows alone."""


rule fit_gan:
    """Train the multimodal GAN on the training split."""
    input:
        features=expand(
            "results/{corpus}/features/{modality}/train.parquet",
            modality=MODALITIES,
            allow_missing=True,
        ),
        scaler=rules.fit_scaler.output.scaler,
        labels="results/{corpus}/corpus/labels_train.parquet",
    output:
        model="results/{corpus}/oversample/gan/seed{seed}/gan.safetensors",
        history="results/{corpus}/oversample/gan/seed{seed}/history.parquet",
        events=events_beside("results/{corpus}/oversample/gan/seed{seed}/history.parquet"),
    log:
        "results/{corpus}/logs/fit_gan/seed{seed}.log",
    benchmark:
        "results/{corpus}/benchmarks/fit_gan/seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        # Rows that no sample can be made from cost a copy of the others.
        mem_mb=memory(610, features=2),
        runtime=growing(120),
        gpu=GPUS,
    params:
        settings=config["oversample"]["gan"],
        device=config["device"],
        code=code_of("fit_gan.py"),
    script:
        "../scripts/fit_gan.py"


rule sample_gan:
    """Copy training dialogues and give their rare-class turns features from the GAN."""
    input:
        model=rules.fit_gan.output.model,
        features=rules.fit_gan.input.features,
        scaler=rules.fit_scaler.output.scaler,
        utterances=rules.ingest_corpus.output.utterances,
        labels="results/{corpus}/corpus/labels_train.parquet",
    output:
        synthetic="results/{corpus}/oversample/gan/seed{seed}/synthetic.parquet",
    log:
        "results/{corpus}/logs/sample_gan/seed{seed}.log",
    benchmark:
        "results/{corpus}/benchmarks/sample_gan/seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(650, features=0.7, utterances=60),
        runtime=growing(20),
    params:
        settings={"target": config["oversample"]["target"]},
        code=code_of("sample_gan.py"),
    script:
        "../scripts/sample_gan.py"


rule resample_train:
    """Copy training dialogues with features from SMOTE or repeated rows; with none, copy nothing."""
    input:
        features=expand(
            "results/{corpus}/features/{modality}/train.parquet",
            modality=MODALITIES,
            allow_missing=True,
        ),
        scaler=rules.fit_scaler.output.scaler,
        utterances=rules.ingest_corpus.output.utterances,
        labels="results/{corpus}/corpus/labels_train.parquet",
    output:
        synthetic="results/{corpus}/oversample/{oversampler}/seed{seed}/synthetic.parquet",
    log:
        "results/{corpus}/logs/resample_train/{oversampler}-seed{seed}.log",
    benchmark:
        "results/{corpus}/benchmarks/resample_train/{oversampler}-seed{seed}.tsv"
    wildcard_constraints:
        oversampler="|".join(RESAMPLING),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(380, features=2.4, utterances=20),
        runtime=growing(20),
    params:
        settings=settings_of_resampling,
        code=code_of("resample_train.py"),
    script:
        "../scripts/resample_train.py"


rule assess_synthetic:
    """Assess per class how good the synthetic samples are; report a collapse."""
    input:
        synthetic="results/{corpus}/oversample/{oversampler}/seed{seed}/synthetic.parquet",
        train=rules.fit_gan.input.features,
        dev=expand(
            "results/{corpus}/features/{modality}/dev.parquet",
            modality=MODALITIES,
            allow_missing=True,
        ),
        scaler=rules.fit_scaler.output.scaler,
        labels_train="results/{corpus}/corpus/labels_train.parquet",
        labels_dev="results/{corpus}/corpus/labels_dev.parquet",
    output:
        quality="results/{corpus}/oversample/{oversampler}/seed{seed}/quality.parquet",
    log:
        "results/{corpus}/logs/assess_synthetic/{oversampler}-seed{seed}.log",
    benchmark:
        "results/{corpus}/benchmarks/assess_synthetic/{oversampler}-seed{seed}.tsv"
    wildcard_constraints:
        oversampler="|".join(name for name in [*RESAMPLING, "gan"] if name != "none"),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(500, train=0.57, synthetic=0.57),
        runtime=growing(20),
    params:
        code=code_of("assess_synthetic.py"),
    script:
        "../scripts/assess_synthetic.py"
