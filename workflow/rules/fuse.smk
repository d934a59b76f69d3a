"""From the modalities to one latent vector per utterance."""


rule fit_vae:
    """Train the joint VAE on recorded training rows; dev rows stop it."""
    input:
        train=expand(
            "results/{corpus}/features/{modality}/train.parquet",
            modality=MODALITIES,
            allow_missing=True,
        ),
        dev=expand(
            "results/{corpus}/features/{modality}/dev.parquet",
            modality=MODALITIES,
            allow_missing=True,
        ),
        scaler=rules.fit_scaler.output.scaler,
        labels_train="results/{corpus}/corpus/labels_train.parquet",
        labels_dev="results/{corpus}/corpus/labels_dev.parquet",
    output:
        model="results/{corpus}/fuse/vae/seed{seed}/vae.safetensors",
        history="results/{corpus}/fuse/vae/seed{seed}/history.parquet",
        events=events_beside("results/{corpus}/fuse/vae/seed{seed}/history.parquet"),
    log:
        "results/{corpus}/logs/fit_vae/seed{seed}.log",
    benchmark:
        "results/{corpus}/benchmarks/fit_vae/seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(500, train=1.3, dev=1.3),
        runtime=growing(120),
        gpu=GPUS,
    params:
        settings=config["fuse"]["vae"],
        device=config["device"],
        code=code_of("fit_vae.py"),
    script:
        "../scripts/fit_vae.py"


rule encode_vae:
    """Encode every split with the frozen VAE, whole and with each modality removed."""
    input:
        model=rules.fit_vae.output.model,
        features=expand(
            "results/{corpus}/features/{modality}/{split}.parquet",
            split=SPLITS,
            modality=MODALITIES,
            allow_missing=True,
        ),
        scaler=rules.fit_scaler.output.scaler,
        synthetic="results/{corpus}/oversample/{oversampler}/seed{seed}/synthetic.parquet",
    output:
        train="results/{corpus}/fuse/{oversampler}-vae/seed{seed}/train.parquet",
        dev="results/{corpus}/fuse/{oversampler}-vae/seed{seed}/dev.parquet",
        test="results/{corpus}/fuse/{oversampler}-vae/seed{seed}/test.parquet",
    log:
        "results/{corpus}/logs/encode_vae/{oversampler}-seed{seed}.log",
    benchmark:
        "results/{corpus}/benchmarks/encode_vae/{oversampler}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(700, features=0.3, synthetic=0.3),
        runtime=growing(20),
    params:
        code=code_of("encode_vae.py"),
    script:
        "../scripts/encode_vae.py"


rule concatenate_modalities:
    """Join the scaled modalities side by side, whole and with each modality removed."""
    input:
        features=rules.encode_vae.input.features,
        scaler=rules.fit_scaler.output.scaler,
        synthetic="results/{corpus}/oversample/{oversampler}/seed{seed}/synthetic.parquet",
    output:
        train="results/{corpus}/fuse/{oversampler}-concat/seed{seed}/train.parquet",
        dev="results/{corpus}/fuse/{oversampler}-concat/seed{seed}/dev.parquet",
        test="results/{corpus}/fuse/{oversampler}-concat/seed{seed}/test.parquet",
    log:
        "results/{corpus}/logs/concatenate_modalities/{oversampler}-seed{seed}.log",
    benchmark:
        "results/{corpus}/benchmarks/concatenate_modalities/{oversampler}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(430, features=0.22, synthetic=0.22),
        runtime=growing(20),
    params:
        code=code_of("concatenate_modalities.py"),
    script:
        "../scripts/concatenate_modalities.py"
