"""From conversations to graphs: utterances are nodes, edges encode speaker and order."""


rule build_graph:
    """Build the graph of every split, the training split's with its synthetic dialogues."""
    input:
        utterances=rules.ingest_corpus.output.utterances,
        synthetic="results/{corpus}/oversample/{oversampler}/seed{seed}/synthetic.parquet",
    output:
        nodes=expand(
            "results/{corpus}/graph/{oversampler}/seed{seed}/{split}_nodes.parquet",
            split=SPLITS,
            allow_missing=True,
        ),
        edges=expand(
            "results/{corpus}/graph/{oversampler}/seed{seed}/{split}.safetensors",
            split=SPLITS,
            allow_missing=True,
        ),
    log:
        "results/{corpus}/logs/build_graph/{oversampler}-seed{seed}.log",
    benchmark:
        "results/{corpus}/benchmarks/build_graph/{oversampler}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(160, utterances=83, synthetic=0.05),
        runtime=growing(20),
    params:
        settings=config["graph"],
        code=code_of("build_graph.py"),
    script:
        "../scripts/build_graph.py"
