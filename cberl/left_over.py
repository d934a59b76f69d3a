"""Temporary files: each job has a folder of its own; what killed ones left is removed."""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "cberl-job-"
LOCK = "lock"
RECORD = Path(".snakemake/cberl_folders.json")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Send all temporary files of this process and its children into a folder, removed at the end.

    torch, its compiler and PyTorch Geometric leave files behind in the temporary folder. Folders
    of this user's jobs that were killed are removed as well.
    """
    _remove_dead_scratch(Path(tempfile.gettempdir()))
    before = tempfile.tempdir, os.environ.get("TMPDIR")
    # It is renamed once it is locked: else a job that starts now would take it for a killed one's.
    unlocked = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}"))
    folder = unlocked.with_name(unlocked.name.removeprefix("new-"))
    with (unlocked / LOCK).open("wb") as held:
        with suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX)
        unlocked.rename(folder)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "torchinductor")
        try:
            yield folder
        finally:
            tempfile.tempdir = before[0]
            os.environ.pop("TMPDIR")
            if before[1] is not None:
                os.environ["TMPDIR"] = before[1]
            shutil.rmtree(folder, ignore_errors=True)


def clear_after_killed(folders: list[Path], started: float) -> None:
    """Remove what a killed Snakemake left of its own, in this working directory and elsewhere.

    Called once Snakemake holds the lock on the working directory: no other one works here.

    Args:
        folders: temporary folders of this Snakemake, remembered for the next one.
        started: seconds since the epoch; scripts of later jobs are left alone.
    """
    for script in Path(".snakemake/scripts").glob("tmp*"):
        with suppress(OSError):
            if script.stat().st_mtime < started:
                script.unlink()
    with suppress(OSError, ValueError):
        for folder in map(Path, json.loads(RECORD.read_bytes())):
            if folder not in folders and folder.name.startswith(("snakemake", "tmp")):
                shutil.rmtree(folder, ignore_errors=True)
    RECORD.write_text(json.dumps([str(folder) for folder in folders]), encoding="utf-8")


def _remove_dead_scratch(folder: Path) -> None:
    for left in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if left.stat().st_uid != os.getuid() or left.is_symlink():
                continue
            with (left / LOCK).open("r+b") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
