"""What is asked before any job starts must stay cheap."""

import subprocess
import sys

import pytest
from made_corpora import SETTINGS

from cberl.corpus.annotations import annotation_files
from cberl.errors import InputError


def test_finding_annotations_imports_nothing_heavy():
    code = (
        "import sys, cberl.corpus.annotations;"
        " print(sorted({'pandas', 'numpy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["{odd}", "a}b", "{"])
def test_braces_in_a_path_are_refused(tmp_path, name):
    root = tmp_path / name
    root.mkdir()
    (root / "utterances.tsv").write_text("dialogue\n")
    with pytest.raises(InputError, match="has braces in its path, which Snakemake takes for wild"):
        annotation_files(SETTINGS["table"], root)


@pytest.mark.parametrize("kind", ["table", "features"])
def test_a_pointer_of_git_lfs_is_told_before_any_job(tmp_path, kind):
    path = tmp_path / SETTINGS[kind].file
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    with pytest.raises(InputError, match=rf"{path.name}: is a Git LFS pointer, .*git lfs pull"):
        annotation_files(SETTINGS[kind], tmp_path)
