"""What the benchmarks promise of themselves beside the numbers: statuses, names, whole files."""

import json
import subprocess
import sys

import pytest

from cberl.configuration import PROJECT


@pytest.fixture
def benchmark(monkeypatch):
    """Import a benchmark by its name; what it prints into docs/ is left out."""
    monkeypatch.syspath_prepend(PROJECT / "benchmarks")

    def load(name):
        sys.modules.pop(name, None)
        return __import__(name)

    return load


def test_oversampling_of_meld_has_a_corpus_name_that_no_configuration_has(
    benchmark, monkeypatch, tmp_path
):
    oversampling = benchmark("oversample_meld")
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command))
    oversampling.run_pipeline(tmp_path, tmp_path, "1")
    corpus = next(word for word in commands[0] if word.startswith("corpus="))
    name = json.loads(corpus.removeprefix("corpus="))["name"]
    assert oversampling.PLACE.startswith(f"results/{name}/")
    shipped = "".join(path.read_text() for path in (PROJECT / "config").glob("*.yaml"))
    assert f"name: {name}\n" not in shipped
