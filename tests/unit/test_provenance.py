"""Digests follow what code does, and nothing else."""

import hashlib
import json
import os
import re
import subprocess
from base64 import urlsafe_b64encode

import pytest

from cberl import provenance
from cberl.provenance import (
    code_digest,
    describe_job,
    find_input,
    own_places,
    settings_digest,
    without_places,
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A package ``cberl`` of three modules and a script that reaches two of them."""
    (tmp_path / "cberl/fuse").mkdir(parents=True)
    (tmp_path / "cberl/__init__.py").write_text("")
    (tmp_path / "cberl/fuse/__init__.py").write_text("")
    (tmp_path / "cberl/fuse/vae.py").write_text("from cberl.tables import WIDTH\n\nSIZE = WIDTH\n")
    (tmp_path / "cberl/tables.py").write_text("WIDTH = 3\n")
    (tmp_path / "cberl/other.py").write_text("WIDTH = 4\n")
    (tmp_path / "fit.py").write_text("from cberl.fuse import vae\n\nprint(vae)\n")
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    provenance._digest_and_imports.cache_clear()
    yield tmp_path
    provenance._digest_and_imports.cache_clear()


def digest_after(project, name, text):
    (project / name).write_text(text)
    provenance._digest_and_imports.cache_clear()
    return code_digest(project / "fit.py")


def test_a_changed_import_of_an_import_changes_the_digest(project):
    before = code_digest(project / "fit.py")
    assert digest_after(project, "cberl/tables.py", "WIDTH = 5\n") != before


def test_a_module_that_is_not_imported_does_not_count(project):
    before = code_digest(project / "fit.py")
    assert digest_after(project, "cberl/other.py", "WIDTH = 5\n") == before


def test_comments_docstrings_and_layout_do_not_count(project):
    (project / "cberl/tables.py").write_text('"""Old."""\nWIDTH = 3\n')
    before = code_digest(project / "fit.py")
    assert digest_after(project, "cberl/tables.py", '"""New."""\n\n# why\nWIDTH  = 3\n') == before


def test_an_import_inside_a_function_counts(project):
    lazy = "def fit():\n    import cberl.other\n"
    (project / "cberl/fuse/vae.py").write_text(lazy)
    before = digest_after(project, "cberl/fuse/vae.py", lazy)
    assert digest_after(project, "cberl/other.py", "WIDTH = 9\n") != before


def test_asking_for_the_commit_leaves_the_index_alone(project):
    author = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    for command in (("init", "-q"), ("add", "."), (*author, "commit", "-qm", "All")):
        subprocess.run(["git", "-C", str(project), *command], check=True)
    os.utime(project / "fit.py", (1, 1))  # a plain `git status` would note the new time
    index = (project / ".git/index").read_bytes()
    assert re.fullmatch("[0-9a-f]{40}", provenance.git_commit.__wrapped__())
    assert (project / ".git/index").read_bytes() == index


def test_settings_digest_ignores_the_order_of_keys():
    assert settings_digest({"a": 1, "b": [2]}) == settings_digest({"b": [2], "a": 1})
    assert settings_digest({"a": 1}) != settings_digest({"a": 2})


def test_a_job_is_described_by_its_inputs_bytes(tmp_path):
    file = tmp_path / "in.txt"
    file.write_text("x")
    told = describe_job("fit_vae", {"seed": "1"}, {"epochs": 2}, "c0de", 1, [file, tmp_path])
    assert told["inputs"] == {str(file): hashlib.sha256(b"x").hexdigest(), str(tmp_path): None}
    assert (told["rule"], told["seed"], told["code_digest"]) == ("fit_vae", 1, "c0de")
    assert "torch" in told["libraries"]


def test_a_job_is_described_by_its_params_and_device():
    params = {"variant": {"loss": "focal"}}
    told = describe_job("train_gnn", {}, {}, "c0de", 1, [], params, "cuda")
    assert (told["params"], told["device"]) == (params, "cuda")


def test_files_of_the_corpus_are_named_from_its_folder_on_and_found_by_snakemakes_record(tmp_path):
    file = tmp_path / "far/away/train.csv"
    file.parent.mkdir(parents=True)
    file.write_text("x")
    places = {tmp_path / "far": "corpus.root"}
    told = describe_job("ingest", {}, {}, "c0de", 1, [file], places=places)
    assert list(told["inputs"]) == ["corpus.root/away/train.csv"]

    artifact = tmp_path / "results/utterances.parquet"
    named = ("corpus.root/away/train.csv", artifact, tmp_path, None)
    assert find_input(*named) is None
    note_inputs(tmp_path, "results/utterances.parquet", ["other.csv", "far/away/train.csv"])
    assert find_input(*named) == file


def note_inputs(folder, artifact, inputs):
    """Write a record as Snakemake does."""
    records = folder / ".snakemake/metadata"
    records.mkdir(parents=True)
    encoded = urlsafe_b64encode(artifact.encode()).decode()
    (records / encoded).write_text(json.dumps({"rule": "made", "input": inputs}))


def own_encoders(folder):
    """Two folders of one name and a table of texts, and the settings that name them."""
    for name in ("first/base", "second/base"):
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(f"{name.partition('/')[0]}")
    (folder / "more.csv").write_text("text,label")
    encoders = [
        {"encoder": str(folder / "first/base"), "pooling": "cls"},
        {
            "encoder": str(folder / "second/base"),
            "finetune": {"auxiliary": {"file": str(folder / "more.csv")}},
        },
    ]
    files = [str(folder / name) for name in ("first/base/config.json", "second/base/config.json")]
    return {"encoder": "minilm", "encoders": encoders}, [*files, str(folder / "more.csv")]


def test_where_encoders_lie_is_not_told(tmp_path):
    told = []
    for place in ("here", "there/below"):
        settings, files = own_encoders(tmp_path / place)
        plain = without_places(settings)
        told.append(describe_job("a", {}, plain, "c0de", 1, files, places=own_places(settings)))
    assert told[0] == told[1]
    assert str(tmp_path) not in json.dumps(told)
    assert list(told[0]["inputs"]) == [
        "encoders.0.encoder/base/config.json",
        "encoders.1.encoder/base/config.json",
        "encoders.1.finetune.auxiliary.file/more.csv",
    ]
    assert told[0]["settings"]["encoders"][0] == {"encoder": "base", "pooling": "cls"}
    (tmp_path / "there/below/second/base/config.json").write_text("changed")
    changed = describe_job("a", {}, plain, "c0de", 1, files, places=own_places(settings))
    assert changed["inputs"] != told[0]["inputs"]


def test_files_of_encoders_are_found_by_snakemakes_record(tmp_path):
    settings, files = own_encoders(tmp_path)
    inputs = describe_job("a", {}, {}, "c0de", 1, files, places=own_places(settings))["inputs"]
    note_inputs(tmp_path, "results/text.parquet", files)
    artifact = tmp_path / "results/text.parquet"
    found = [find_input(name, artifact, tmp_path, digest) for name, digest in inputs.items()]
    assert list(map(str, found)) == files


def test_settings_that_name_nothing_of_the_users_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.csv").touch()
    settings = {
        "encoder": "openai/base@0123",
        "weights": "DEFAULT",
        "root": "corpus",
        "file": "text.csv",
        "finetune": {"auxiliary": {"file": "", "labels": {"a.b": "joy"}}},
        "sizes": (1, 2),
        "nothing": None,
    }
    assert own_places(settings) == {}
    expected = {key: value for key, value in settings.items() if key != "root"}
    assert without_places(settings) == expected | {"sizes": [1, 2]}
    assert without_places(None) is None
