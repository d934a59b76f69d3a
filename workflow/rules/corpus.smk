"""From a corpus on disk to conversations, labels and decoded media."""

# The quality check alone depends on this share: another one repeats no reading or decoding.
READING = {key: value for key, value in config["corpus"].items() if key != "max_unavailable"}


rule ingest_corpus:
    """Read conversations and labels; labels are files of their own, which no feature rule reads."""
    input:
        annotations=ANNOTATIONS,
    output:
        utterances="results/{corpus}/corpus/utterances.parquet",
        labels=expand(
            "results/{corpus}/corpus/labels_{split}.parquet", split=SPLITS, allow_missing=True
        ),
    log:
        "results/{corpus}/logs/ingest_corpus.log",
    benchmark:
        "results/{corpus}/benchmarks/ingest_corpus.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=(
            memory(330, annotations=6 if PICKLED else 0.13)
            if config["corpus"]["kind"] == "features"
            else memory(230, annotations=20)
        ),
        runtime=growing(10),
    params:
        settings=READING,
        code=code_of("ingest_corpus.py"),
        clips=names_of_clips,
    script:
        "../scripts/ingest_corpus.py"


rule check:
    """Show what the corpus holds and what would stop a run; a target by name."""
    localrule: True


rule decode_media:
    """Decode one shard's clips, once, in a sandbox where a broken one does no harm."""
    input:
        utterances=rules.ingest_corpus.output.utterances,
    output:
        media="results/{corpus}/corpus/media/{scatteritem}.parquet",
    log:
        "results/{corpus}/logs/decode_media/{scatteritem}.log",
    benchmark:
        "results/{corpus}/benchmarks/decode_media/{scatteritem}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(600, utterances=30),
        runtime=growing(240),
    params:
        settings=config["media"],
        root=config["corpus"]["root"],
        modalities=MEDIA_MODALITIES,
        code=code_of("decode_media.py"),
        clips=state_of_clips,
    script:
        "../scripts/decode_media.py"


rule assess_quality:
    """Assess which modalities of every utterance can be used; stop if too few can."""
    input:
        utterances=rules.ingest_corpus.output.utterances,
        media=(
            gather.shard("results/{{corpus}}/corpus/media/{scatteritem}.parquet")
            if MEDIA_MODALITIES
            else []
        ),
    output:
        quality="results/{corpus}/corpus/quality.parquet",
        page=report(
            "results/{corpus}/corpus/quality.html",
            caption="../report/quality.rst",
            category="Corpus",
            labels={"what": "quality of the corpus"},
        ),
    log:
        "results/{corpus}/logs/assess_quality.log",
    benchmark:
        "results/{corpus}/benchmarks/assess_quality.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        # A row of the table for each modality, and facts of each clip.
        mem_mb=memory(170, utterances=75 + 130 * len(MEDIA_MODALITIES)),
        runtime=growing(10),
    params:
        settings={"max_unavailable": config["corpus"]["max_unavailable"]},
        modalities=MODALITIES,
        code=code_of("assess_quality.py"),
    script:
        "../scripts/assess_quality.py"


if config["corpus"]["kind"] == "features":

    rule assess_features:
        """Assess which published features of every utterance can be used."""
        input:
            utterances=rules.ingest_corpus.output.utterances,
            published=ANNOTATIONS,
        output:
            quality=rules.assess_quality.output.quality,
            page=rules.assess_quality.output.page,
        log:
            "results/{corpus}/logs/assess_features.log",
        benchmark:
            "results/{corpus}/benchmarks/assess_features.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=memory(360, published=6 if PICKLED else 0.55),
            runtime=growing(10),
        params:
            settings=config["corpus"] | {"root": str(ROOT)},
            modalities=MODALITIES,
            code=code_of("assess_features.py"),
        script:
            "../scripts/assess_features.py"

    ruleorder: assess_features > assess_quality
