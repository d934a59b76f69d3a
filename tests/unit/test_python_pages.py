"""The Python in the documentation runs."""

import re

import numpy as np
import pandas as pd
import pytest
from made_bundles import make_bundle

from cberl.api import make_rows
from cberl.configuration import PROJECT
from cberl.oversample.resample import SAMPLERS, resample
from cberl.train.loss import LOSSES


def code_of(page):
    """All blocks of a page that are to be run, one after the other."""
    text = (PROJECT / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def test_the_python_page_runs():
    names = {}
    exec(compile(code_of("docs/python.md"), "docs/python.md", "exec"), names)
    assert names["probabilities"].shape == (60, 3)
    assert len(names["resampled"]) > len(names["train"])


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_example_of_a_bundle_runs(tmp_path, monkeypatch, page):
    text = (PROJECT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python(?: no-run)?\n(.*?)```", text, re.DOTALL)
    (example,) = (block for block in blocks if "import load_bundle" in block)
    make_bundle(tmp_path / "results/demo/bundle/cberl", ("text",), "concat")
    monkeypatch.chdir(tmp_path)
    names = {"pd": pd}
    exec(compile(example, page, "exec"), names)
    assert list(names["turns"]["speaker"]) == ["Ann", "Ben"]
    assert names["turns"]["confidence"].between(0, 1).all()


def test_what_contributors_add_takes_its_place():
    before = set(LOSSES), set(SAMPLERS)
    try:
        exec(compile(code_of("docs/contributing.md"), "docs/contributing.md", "exec"), {})
        assert set(LOSSES) - before[0] == {"smoothed"}
        rows = make_rows(np.arange(8.0).reshape(4, 2), ["a", "a", "b", "b"])
        made = resample("jitter", rows, np.array([1, 1, 1]))
        real = rows.values["features"][rows.labels == 1]
        moved = np.abs(made.values["features"][:, None] - real).max(axis=2).min(axis=1)  # [3]
        assert ((moved > 0) & (moved < 0.1)).all()
    finally:
        for registry, names in zip((LOSSES, SAMPLERS), before, strict=True):
            for name in set(registry) - names:
                del registry[name]
