"""Training the graph network, and applying it."""


rule train_gnn:
    """Train classification and masked-node reconstruction together; dev macro-F1 selects."""
    input:
        nodes=nodes_of("train", "dev"),
        edges=graphs_of("train", "dev"),
        latents=latents_of("train", "dev"),
        synthetic=synthetic_of_variant,
        labels=expand(
            "results/{corpus}/corpus/labels_{split}.parquet",
            split=["train", "dev"],
            allow_missing=True,
        ),
    output:
        model="results/{corpus}/train/{variant}/seed{seed}/model.safetensors",
        history="results/{corpus}/train/{variant}/seed{seed}/history.parquet",
        events=events_beside("results/{corpus}/train/{variant}/seed{seed}/history.parquet"),
    log:
        "results/{corpus}/logs/train_gnn/{variant}-seed{seed}.log",
    benchmark:
        "results/{corpus}/benchmarks/train_gnn/{variant}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(500, latents=2.75),
        runtime=growing(120),
        gpu=GPUS,
    params:
        settings=config["train"],
        variant=variant_of,
        device=config["device"],
        code=code_of("train_gnn.py"),
    script:
        "../scripts/train_gnn.py"


rule predict_gnn:
    """Apply the frozen network to dev and test, whole and with each modality removed."""
    input:
        model=rules.train_gnn.output.model,
        nodes=nodes_of("dev", "test"),
        edges=graphs_of("dev", "test"),
        latents=latents_of("dev", "test"),
    output:
        predictions="results/{corpus}/train/{variant}/seed{seed}/predictions.parquet",
    log:
        "results/{corpus}/logs/predict_gnn/{variant}-seed{seed}.log",
    benchmark:
        "results/{corpus}/benchmarks/predict_gnn/{variant}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory(520, latents=1.75),
        runtime=growing(20),
    params:
        code=code_of("predict_gnn.py"),
    script:
        "../scripts/predict_gnn.py"
