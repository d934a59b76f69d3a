"""Two hundred jobs of seconds, under the name of a rule that the profile groups."""


rule all:
    localrule: True
    input:
        expand("{number}.txt", number=range(200)),


rule build_graph:
    output:
        "{number}.txt",
    resources:
        mem_mb=lambda wildcards, attempt: 800 * attempt,
        runtime=lambda wildcards, attempt: 5 * attempt,
    shell:
        "touch {output}"
