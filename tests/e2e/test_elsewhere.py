"""The workflow is used from outside: as a module of another one, and from another folder."""

import subprocess
import sys

import pytest
from conftest import PROJECT

MODULE = f"""
configfile: "config/config.yaml"

module cberl:
    snakefile: "{PROJECT / "workflow/Snakefile"}"
    config: config

use rule * from cberl as cberl_*

rule count:
    input: "results/six/corpus/utterances.parquet"
    output: "count.txt"
    shell: "ls {{input}} > {{output}}"
"""


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_another_workflow_takes_it_in_as_a_module(workspace):
    (workspace.folder / "Snakefile").write_text(MODULE)
    done = snakemake(workspace.folder, "count")
    assert done.returncode == 0, done.stdout
    assert "cberl_ingest_corpus" in done.stdout
    assert (workspace.folder / "count.txt").read_text().strip().endswith("utterances.parquet")


@pytest.mark.parametrize("rule", ["cberl_all", "cberl_render_report"])
def test_all_its_rules_are_there_under_the_prefix(workspace, rule):
    (workspace.folder / "Snakefile").write_text(MODULE)
    assert rule in snakemake(workspace.folder, "--list-rules").stdout.split()


def test_a_folder_with_nothing_but_a_configuration_is_enough(workspace):
    own = workspace.folder / "mine.yaml"
    (workspace.folder / "config/config.yaml").rename(own)
    snakefile = str(PROJECT / "workflow/Snakefile")
    done = snakemake(workspace.folder, "-n", "-s", snakefile, "--configfile", "mine.yaml")
    assert done.returncode == 0, done.stdout
    assert "render_report" in done.stdout
