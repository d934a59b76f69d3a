"""A small corpus and a project to run the workflow in, shared by the tests of rules and runs."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
SMALL = {
    "corpus": {"name": "six", "kind": "meld", "root": "six", "max_unavailable": 0.5},
    "seeds": [0],
    "shards": 2,
    "device": "cpu",
    "media": {"frames": 2, "frame_size": 64},
    "features": {"video": {"encoder": "r3d_18", "weights": "none"}},
    "oversample": {"gan": {"epochs": 2, "batch_size": 16, "hidden_size": 16, "latent_size": 4}},
    "fuse": {"vae": {"epochs": 2, "batch_size": 16, "hidden_size": 16, "latent_size": 4}},
    "train": {"epochs": 2, "hidden_size": 8, "batch_dialogues": 2},
    "evaluate": {"resamples": 20},
}


@dataclass(frozen=True)
class Workspace:
    """A working directory with a configuration of its own, in which Snakemake is started."""

    folder: Path

    @property
    def config(self) -> dict:
        return yaml.safe_load((self.folder / "config/config.yaml").read_text())

    def configure(self, **sections) -> None:
        """Replace top-level sections of the configuration."""
        path = self.folder / "config/config.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({**(self.config if path.exists() else {}), **sections}))

    def snakemake(
        self, *arguments: str, check: bool = True, before: Sequence[str] = ()
    ) -> subprocess.CompletedProcess:
        """Run Snakemake here on the project's workflow; stdout holds both streams.

        Args:
            before: command that Snakemake is an argument of.
        """
        command = [
            *before,
            sys.executable,
            "-m",
            "snakemake",
            "--snakefile",
            str(PROJECT / "workflow/Snakefile"),
            "--directory",
            str(self.folder),
            "--cores",
            "2",
            *arguments,
        ]
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "COLUMNS": "200"},
        )
        if check and done.returncode:
            raise AssertionError(done.stdout)
        return done

    def jobs_to_run(self, *arguments: str) -> dict[str, int]:
        """Rule -> number of jobs that a run with these arguments would start."""
        text = self.snakemake("--dry-run", *arguments).stdout
        if "Job stats:" not in text:
            return {}
        table = text.split("Job stats:")[1].split("total")[0].splitlines()[3:]
        return {line.split()[0]: int(line.split()[1]) for line in table if line.strip()}


def copy_dialogues(target: Path, dialogues: dict[str, list[int]]) -> None:
    """Copy dialogues of the demo corpus, rows and clips, in the same layout."""
    source = PROJECT / "resources/demo"
    for split, wanted in dialogues.items():
        (target / FOLDERS[split]).mkdir(parents=True)
        with (source / f"{split}_sent_emo.csv").open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle)
            rows = [row for row in reader if int(row["Dialogue_ID"]) in wanted]
        with (target / f"{split}_sent_emo.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, reader.fieldnames)
            writer.writeheader()
            writer.writerows(rows)
        for row in rows:
            name = f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}.mp4"
            if (source / FOLDERS[split] / name).exists():
                shutil.copy(source / FOLDERS[split] / name, target / FOLDERS[split] / name)


def make_workspace(folder: Path) -> Workspace:
    """A working directory with the six-dialogue corpus and small networks."""
    copy_dialogues(folder / "six", {"train": [0, 1, 2, 3], "dev": [0], "test": [0]})
    workspace = Workspace(folder)
    workspace.configure(**SMALL)
    return workspace


@pytest.fixture(scope="session")
def without_network() -> list[str]:
    """The command that runs another where there is no network; empty if this machine has none."""
    for command in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        tried = subprocess.run(["env", *command, "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return command
    return []


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A fresh working directory, nothing run yet."""
    return make_workspace(tmp_path)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, without_network: list[str]) -> Workspace:
    """A working directory in which everything has been run once, without a network if possible;
    not to be changed."""
    workspace = make_workspace(tmp_path_factory.mktemp("finished"))
    workspace.snakemake(before=without_network)
    return workspace


@pytest.fixture
def finished_copy(finished_run: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished run that a test may change."""
    shutil.copytree(finished_run.folder, tmp_path, dirs_exist_ok=True)
    return Workspace(tmp_path)
