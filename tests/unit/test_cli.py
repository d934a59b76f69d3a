"""The command ``cberl``."""

import subprocess
import sys

import numpy as np
import pytest

from cberl.artifacts import write_tensors
from cberl.cli import SUBCOMMANDS, main


@pytest.fixture
def models(tmp_path):
    paths = [str(tmp_path / f"{name}.safetensors") for name in "ab"]
    for number, path in enumerate(paths):
        write_tensors(path, "gan", {"w": np.full(2, number, np.float32)}, {"rule": "fit_gan"})
    return paths


def test_inspect_prints_and_succeeds(models, capsys):
    assert main(["inspect", models[0]]) == 0
    assert "rule       fit_gan" in capsys.readouterr().out


def test_diff_tells_by_its_status_whether_files_differ(models, capsys):
    assert main(["inspect", "--diff", models[0], models[0]]) == 0
    assert capsys.readouterr().out == "no difference\n"
    assert main(["inspect", "--diff", *models]) == 1
    assert capsys.readouterr().out == "tensor w: 2 of 2 values differ, by 1 at most\n"


def test_lineage_prints_and_succeeds(models, capsys):
    assert main(["lineage", models[0]]) == 0
    assert capsys.readouterr().out.strip().endswith("gan by fit_gan")


def test_a_file_that_cannot_be_used_gives_one_line_and_status_2(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "none.parquet")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "none.parquet: no such file" in error


def test_inspect_wants_a_file_or_two(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["inspect"])
    assert "expected either FILE or --diff A B" in capsys.readouterr().err


SUBCOMMAND_NAMES = [part.__name__.rpartition(".")[2] for part in SUBCOMMANDS]


@pytest.mark.parametrize("arguments", [[], *([name] for name in SUBCOMMAND_NAMES)])
def test_help_has_an_example_and_starts_without_heavy_libraries(arguments):
    script = (
        "import sys; from cberl.cli import main\n"
        f"try: main({[*arguments, '--help']})\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'pandas', 'pyarrow', 'sklearn', 'snakemake'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "example" in done.stdout
    assert "heavy: []" in done.stdout
