"""Jobs that need a GPU, none, more memory, more time, or that fail whatever they are given."""



def growing(amount):
    return lambda wildcards, attempt: amount * attempt


rule all:
    localrule: True
    input:
        "gpu.txt",
        "gres.txt",
        "cpu.txt",
        "memory.txt",
        "time.txt",
        "model.txt",
        "after_failure.txt",


rule needs_gpu:
    output:
        "gpu.txt",
    resources:
        mem_mb=growing(800),
        runtime=growing(5),
        gpu=1,
    shell:
        "echo ${{CUDA_VISIBLE_DEVICES-none}} > {output}"


rule asks_by_gres:
    output:
        "gres.txt",
    resources:
        mem_mb=growing(800),
        runtime=growing(5),
        gpu=1,
    shell:
        "echo ${{CUDA_VISIBLE_DEVICES-none}} > {output}"


rule needs_none:
    output:
        "cpu.txt",
    resources:
        mem_mb=growing(800),
        runtime=growing(5),
        gpu=0,
    shell:
        "echo ${{CUDA_VISIBLE_DEVICES-none}} > {output}"


# Snakemake itself takes some 250 MB of what a job may have.
rule needs_memory:
    output:
        "memory.txt",
    resources:
        mem_mb=growing(900),
        runtime=growing(5),
    shell:
        "python -c 'import time; block = bytearray(900_000_000); time.sleep(5)' && touch {output}"


rule needs_time:
    output:
        "time.txt",
    resources:
        mem_mb=growing(800),
        runtime=growing(1),
        attempt=growing(1),
    shell:
        "[ {resources.attempt} -gt 1 ] || sleep 600; touch {output}"


# Too long for its first limit; SLURM looks every half minute whether one is over its time.
rule trains:
    output:
        model="model.txt",
    log:
        "trains.log",
    resources:
        mem_mb=growing(1500),
        runtime=growing(1),
    script:
        "train_slowly.py"


rule fails:
    output:
        "failure.txt",
    log:
        "fails.log",
    resources:
        mem_mb=growing(800),
        runtime=growing(5),
    shell:
        "echo the third wheel came off > {log}; exit 1"


rule follows_failure:
    input:
        "failure.txt",
    output:
        "after_failure.txt",
    shell:
        "touch {output}"
