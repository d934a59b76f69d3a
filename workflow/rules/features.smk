"""From text, sound and frames to one vector per utterance and modality."""


rule extract_text:
    """Encode one shard's transcripts with a transformer."""
    input:
        utterances=rules.ingest_corpus.output.utterances,
    output:
        features="results/{corpus}/features/text/shards/{scatteritem}.parquet",
    log:
        "results/{corpus}/logs/extract_text/{scatteritem}.log",
    benchmark:
        "results/{corpus}/benchmarks/extract_text/{scatteritem}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
        gpu=GPUS,
    params:
        settings=config["features"]["text"] | {"device": config["device"]},
        code=code_of("extract_text.py"),
    script:
        "../scripts/extract_text.py"


rule extract_audio:
    """Compute openSMILE functionals of one shard's sound."""
    input:
        media=rules.decode_media.output.media,
        # Not read: extraction waits until the corpus is known to be good enough.
        quality=rules.assess_quality.output.quality,
    output:
        features="results/{corpus}/features/audio/shards/{scatteritem}.parquet",
    log:
        "results/{corpus}/logs/extract_audio/{scatteritem}.log",
    benchmark:
        "results/{corpus}/benchmarks/extract_audio/{scatteritem}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        settings=config["features"]["audio"],
        code=code_of("extract_audio.py"),
    script:
        "../scripts/extract_audio.py"


rule extract_video:
    """Encode one shard's frames with a torchvision network."""
    input:
        media=rules.decode_media.output.media,
        # Not read: extraction waits until the corpus is known to be good enough.
        quality=rules.assess_quality.output.quality,
    output:
        features="results/{corpus}/features/video/shards/{scatteritem}.parquet",
    log:
        "results/{corpus}/logs/extract_video/{scatteritem}.log",
    benchmark:
        "results/{corpus}/benchmarks/extract_video/{scatteritem}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
        gpu=GPUS,
    params:
        settings=config["features"]["video"] | {"device": config["device"]},
        code=code_of("extract_video.py"),
    script:
        "../scripts/extract_video.py"


rule gather_features:
    """Join one modality's shards and cut them by split."""
    input:
        utterances=rules.ingest_corpus.output.utterances,
        shards=gather.shard("results/{{corpus}}/features/{{modality}}/shards/{scatteritem}.parquet"),
    output:
        features=expand(
            "results/{corpus}/features/{modality}/{split}.parquet",
            split=SPLITS,
            allow_missing=True,
        ),
    log:
        "results/{corpus}/logs/gather_features/{modality}.log",
    benchmark:
        "results/{corpus}/benchmarks/gather_features/{modality}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code_of("gather_features.py"),
    script:
        "../scripts/gather_features.py"


rule fit_scaler:
    """Fit each feature's mean and scale on training rows."""
    input:
        train=expand(
            "results/{corpus}/features/{modality}/train.parquet",
            modality=MODALITIES,
            allow_missing=True,
        ),
    output:
        scaler="results/{corpus}/features/scaler.safetensors",
    log:
        "results/{corpus}/logs/fit_scaler.log",
    benchmark:
        "results/{corpus}/benchmarks/fit_scaler.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        settings={"modalities": MODALITIES},
        code=code_of("fit_scaler.py"),
    script:
        "../scripts/fit_scaler.py"


rule features:
    input:
        expand(
            "results/{corpus}/features/{modality}/{split}.parquet",
            corpus=CORPUS,
            modality=MODALITIES,
            split=SPLITS,
        ),
        f"results/{CORPUS}/features/scaler.safetensors",
    """All modalities' features: a target by name."""
    localrule: True
