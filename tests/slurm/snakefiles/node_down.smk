"""Jobs that fill two nodes and note where they start; they end once a file named go is there."""


rule all:
    localrule: True
    input:
        expand("{number}.txt", number=range(4)),


rule work:
    output:
        "{number}.txt",
    resources:
        mem_mb=800,
        runtime=10,
    shell:
        "echo {wildcards.number} $SLURMD_NODENAME >> starts;"
        " while [ ! -e go ]; do sleep 0.5; done; touch {output}"
