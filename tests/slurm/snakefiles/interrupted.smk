"""A quick job, and some behind it that end only once a file named go is there."""


rule all:
    localrule: True
    input:
        expand("{number}.txt", number=range(3)),


rule quick:
    output:
        "first.txt",
    shell:
        "echo quick >> starts; touch {output}"


rule waits:
    input:
        "first.txt",
    output:
        "{number}.txt",
    resources:
        mem_mb=800,
        runtime=10,
    shell:
        "echo {wildcards.number} >> starts; while [ ! -e go ]; do sleep 0.5; done; touch {output}"
