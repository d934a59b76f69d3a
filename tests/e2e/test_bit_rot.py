"""A bit that flips in a file of a finished run is noticed, named and mended."""

import hashlib
import random
import shutil
from pathlib import Path

import pytest

from cberl.cli import main
from cberl.commands.verify import Verifier

ONLY_BY_TIME = ("--rerun-triggers", "mtime")


def results_of(workspace):
    """Every file that is checked, by its path from the working directory."""
    folder = workspace.folder / "results/six"
    paths = [path.relative_to(workspace.folder) for path in sorted(folder.rglob("*"))]
    kept = [path for path in paths if path.parts[2] not in ("logs", "benchmarks")]
    return [path for path in kept if (workspace.folder / path).is_file()]


def digests_of(workspace):
    return {
        path: hashlib.sha256((workspace.folder / path).read_bytes()).hexdigest()
        for path in results_of(workspace)
    }


def flip_a_bit(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    bit = chance.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def test_a_finished_run_is_as_it_was_written(finished_run):
    verifier = Verifier(finished_run.folder / "results")
    assert list(verifier.check()) == []
    assert verifier.files == len(results_of(finished_run))


def test_one_flipped_bit_is_found_in_every_file(finished_run, tmp_path):
    chance = random.Random(0)
    for folder in ("results", ".snakemake/metadata"):
        shutil.copytree(finished_run.folder / folder, tmp_path / folder)
    for path in results_of(finished_run):
        whole = (tmp_path / path).read_bytes()
        flip_a_bit(tmp_path / path, chance)
        found = list(Verifier(tmp_path / path.parent).check())
        assert ("broken", str(path)) in [(one.state, one.path) for one in found], path
        (tmp_path / path).write_bytes(whole)


@pytest.mark.parametrize(
    ("name", "maker", "reader"),
    [
        ("features/text/train.parquet", "gather_features", "fit_scaler"),
        ("fuse/vae/seed0/vae.safetensors", "fit_vae", "encode_vae"),
    ],
)
def test_a_rule_refuses_a_broken_file_in_one_line(finished_copy, name, maker, reader):
    flip_a_bit(finished_copy.folder / "results/six" / name, random.Random(1))
    done = finished_copy.snakemake(*ONLY_BY_TIME, "--forcerun", reader, check=False)
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if "error: " in line]
    assert f"results/six/{name}: broken" in lines[0]
    assert f"rule {maker} makes it again" in lines[0]
    assert "Traceback" not in done.stdout


def test_a_broken_file_is_made_again_as_it_was(finished_copy, monkeypatch):
    before = digests_of(finished_copy)
    broken = finished_copy.folder / "results/six/evaluate/per_class.parquet"
    flip_a_bit(broken, random.Random(2))
    (finished_copy.folder / "results/six/train/cberl/seed0/predictions.parquet").unlink()
    monkeypatch.chdir(finished_copy.folder)
    assert main(["verify", "results", "--rebuild", "--yes"]) == 0
    assert digests_of(finished_copy) == before
    assert main(["verify", "results"]) == 0
