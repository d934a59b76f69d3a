"""A trained variant as one folder that can be copied elsewhere."""


rule bundle_model:
    """Put all that prediction needs, and nothing else, into one folder."""
    input:
        scaler=rules.fit_scaler.output.scaler,
        networks=of_every_seed("results/{corpus}/train/{variant}/seed{seed}/model.safetensors"),
        vaes=vaes_of_variant,
        text=expand(rules.finetune_text.output.encoder, fold=FOLDS, allow_missing=True),
        video=(
            rules.fetch_network.output.network
            if "video" in MODALITIES and VIDEO["weights"] == PUBLISHED
            else []
        ),
        encoders=[file for files in ENCODER_FILES.values() for file in files],
        card=f"results/{{corpus}}/report/{{variant}}/seed{SEEDS[0]}/model_card.md",
    output:
        # The manifest is written last, with a digest of every other file of the folder.
        manifest="results/{corpus}/bundle/{variant}/manifest.json",
    log:
        "results/{corpus}/logs/bundle_model/{variant}.log",
    benchmark:
        "results/{corpus}/benchmarks/bundle_model/{variant}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        settings=lambda wildcards: {
            "variant_settings": VARIANTS[wildcards.variant],
            "seeds": SEEDS,
            "modalities": MODALITIES,
            "media": config["media"],
            "features": config["features"],
            "graph": config["graph"],
        },
        encoder_files=ENCODER_FILES,
        code=code_of("bundle_model.py"),
    script:
        "../scripts/bundle_model.py"


# Published features cannot be computed from a new recording.
BUNDLES = (
    []
    if config["corpus"]["kind"] == "features"
    else expand(rules.bundle_model.output.manifest, corpus=CORPUS, variant=VARIANTS)
)
