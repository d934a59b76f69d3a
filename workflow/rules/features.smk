"""From text, sound and frames to one vector per utterance and modality."""

VIDEO = config["features"]["video"]
# Waited for, not read: no feature is made before the corpus has passed the quality check, and a clip
# that is added or changed in one shard repeats no other. As plain text: on the rule's output the
# flag would hold for all rules.
GOOD_ENOUGH = ancient(str(rules.assess_quality.output.quality))
# With text alone, a corpus that fails the check costs no work. With media, text need not wait for
# their decoding: encoding it is cheap.
TEXT_WAITS_FOR = [] if MEDIA_MODALITIES else GOOD_ENOUGH
TEXT = without_tuning(config["features"]["text"])
TEXT["encoders"] = [without_tuning(encoder) for encoder in TEXT["encoders"]]


rule finetune_text:
    """Train the text encoder on the training labels of the other folds; dev labels stop it."""
    input:
        utterances=rules.ingest_corpus.output.utterances,
        labels_train="results/{corpus}/corpus/labels_train.parquet",
        labels_dev="results/{corpus}/corpus/labels_dev.parquet",
        encoder=encoder_of_fold,
        auxiliary=auxiliary_of_fold,
        waits_for=GOOD_ENOUGH,
    output:
        encoder="results/{corpus}/features/text/fold{fold}/encoder.safetensors",
        history="results/{corpus}/features/text/fold{fold}/history.parquet",
        events=events_beside("results/{corpus}/features/text/fold{fold}/history.parquet"),
    log:
        "results/{corpus}/logs/finetune_text/fold{fold}.log",
    benchmark:
        "results/{corpus}/benchmarks/finetune_text/fold{fold}.tsv"
    conda:
        "../../environment.yml"
    # Folds run in parallel, with less waiting than threads of one job.
    threads: 2 if len(FOLDS) == 1 else 1
    resources:
        mem_mb=growing(7000),
        runtime=growing(480),
        gpu=GPUS,
    params:
        settings=settings_of_fold,
        device=config["device"],
        code=code_of("finetune_text.py"),
    script:
        "../scripts/finetune_text.py"


rule extract_text:
    """Encode one shard's transcripts with a transformer."""
    input:
        utterances=rules.ingest_corpus.output.utterances,
        weights=expand(
            rules.finetune_text.output.encoder,
            fold=FOLDS,
            allow_missing=True,
        ),
        encoder=ENCODER_FILES.get("text", []),
        waits_for=TEXT_WAITS_FOR,
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
        mem_mb=memory(2400, utterances=30),
        runtime=growing(120),
        gpu=GPUS,
    params:
        settings=TEXT,
        device=config["device"],
        code=code_of("extract_text.py"),
    script:
        "../scripts/extract_text.py"


rule extract_audio:
    """Compute openSMILE functionals, or a speech network's vectors, of one shard's sound."""
    input:
        media=rules.decode_media.output.media,
        waits_for=GOOD_ENOUGH,
        encoder=ENCODER_FILES.get("audio", []),
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
        gpu=GPUS if is_speech_network(config["features"]["audio"]["encoder"]) else 0,
    params:
        settings=config["features"]["audio"],
        device=config["device"],
        code=code_of("extract_audio.py"),
    script:
        "../scripts/extract_audio.py"


rule fetch_network:
    """Fetch the video network's published weights, once, where the run was started."""
    output:
        network="results/{corpus}/features/video/network.safetensors",
    log:
        "results/{corpus}/logs/fetch_network.log",
    benchmark:
        "results/{corpus}/benchmarks/fetch_network.tsv"
    # Before all others, so that an unreachable server ends the run early.
    priority: 1
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        settings={"encoder": VIDEO["encoder"]},
        code=code_of("fetch_network.py"),
    script:
        "../scripts/fetch_network.py"


rule extract_video:
    """Encode one shard's frames with a torchvision network."""
    input:
        media=rules.decode_media.output.media,
        waits_for=GOOD_ENOUGH,
        encoder=ENCODER_FILES.get("video", []),
        network=rules.fetch_network.output.network if VIDEO["weights"] == PUBLISHED else [],
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
        settings=VIDEO,
        device=config["device"],
        code=code_of("extract_video.py"),
    script:
        "../scripts/extract_video.py"


rule gather_features:
    """Join one modality's shards and divide them by split."""
    input:
        utterances=rules.ingest_corpus.output.utterances,
        shards=shards_of_modality,
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
        mem_mb=memory(300, utterances=50),
        runtime=growing(10),
    params:
        code=code_of("gather_features.py"),
    script:
        "../scripts/gather_features.py"


if config["corpus"]["kind"] == "features":

    rule import_features:
        """Import published features, in place of an extraction."""
        input:
            utterances=rules.ingest_corpus.output.utterances,
            published=ANNOTATIONS,
            waits_for=GOOD_ENOUGH,
        output:
            features=expand(
                "results/{corpus}/features/{modality}/{split}.parquet",
                modality=MODALITIES,
                split=SPLITS,
                allow_missing=True,
            ),
        log:
            "results/{corpus}/logs/import_features.log",
        benchmark:
            "results/{corpus}/benchmarks/import_features.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=memory(520, published=6 if PICKLED else 0.24),
            runtime=growing(20),
        params:
            settings=READING,
            modalities=MODALITIES,
            code=code_of("import_features.py"),
        script:
            "../scripts/import_features.py"

    ruleorder: import_features > gather_features


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
        mem_mb=memory(350, train=0.1),
        runtime=growing(10),
    params:
        code=code_of("fit_scaler.py"),
    script:
        "../scripts/fit_scaler.py"


rule features:
    """All modalities' features: a target by name."""
    input:
        expand(
            "results/{corpus}/features/{modality}/{split}.parquet",
            corpus=CORPUS,
            modality=MODALITIES,
            split=SPLITS,
        ),
        f"results/{CORPUS}/features/scaler.safetensors",
    localrule: True
