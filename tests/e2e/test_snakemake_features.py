"""What users expect of Snakemake, on this workflow."""

import subprocess
import sys

import pytest

from cberl.configuration import PROJECT


def test_every_rule_is_listed_with_what_it_does(workspace):
    listed = workspace.snakemake("--list").stdout
    for rule in ("ingest_corpus", "extract_text", "fit_gan", "train_gnn", "render_report"):
        line = next(line for line in listed.splitlines() if line.startswith(rule))
        assert line != rule, "no docstring"


def test_the_rule_graph_can_be_drawn(workspace):
    graph = workspace.snakemake("--rulegraph").stdout
    assert "digraph" in graph
    assert 'label = "fit_vae"' in graph


def test_the_workflow_is_lint_clean():
    command = [sys.executable, "-m", "snakemake", "--lint"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Congratulations" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["snakefmt", "--check", "workflow"],
    ],
    ids=" ".join,
)
def test_the_code_keeps_its_style(command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_configuration_named_on_the_command_line_stands_alone(workspace):
    other = workspace.folder / "other.yaml"
    other.write_text("corpus: {name: other, kind: meld, root: six}\nseeds: [5]\nshards: 1\n")
    text = workspace.snakemake("--dry-run", "--configfile", str(other)).stdout
    assert "results/other/train/cberl/seed5/model.safetensors" in text
    assert "results/six" not in text
    assert "seed0" not in text.split("Building DAG")[1]


def test_one_key_can_be_set_in_passing(workspace):
    text = workspace.snakemake("--dry-run", "--config", "seeds=[3]").stdout
    assert "train/cberl/seed3/model.safetensors" in text


def test_snakemakes_own_report_is_made_without_a_network(finished_run, tmp_path):
    finished_run.snakemake("--report", str(tmp_path / "report.zip"))
    assert (tmp_path / "report.zip").stat().st_size > 10_000
