"""Whatever the machine refuses is one line on the terminal, with the path and the cause."""

import os
import shutil
import subprocess
import sys

import pytest

from cberl.configuration import PROJECT

SNAKEMAKE = [
    *(sys.executable, "-m", "snakemake", "--cores", "1"),
    *("--snakefile", str(PROJECT / "workflow/Snakefile")),
]
RIGHTS = "-dac_override,-dac_read_search"
UNPRIVILEGED = ["setpriv", "--bounding-set", RIGHTS, "--inh-caps", RIGHTS]
"""Even root must then ask a file's mode."""


def run(workspace, command):
    done = subprocess.run(
        command,
        cwd=workspace.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert "Traceback" not in done.stdout
    assert done.returncode != 0
    return [line for line in done.stdout.splitlines() if "error: " in line]


def without_rights(workspace):
    if os.getuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("needs setpriv to give up root's rights")
        return run(workspace, UNPRIVILEGED + SNAKEMAKE)
    return run(workspace, SNAKEMAKE)


def on_small_disk(workspace, mount, *arguments):
    """Run where ``mount``, a line of shell, has made a file system of its own."""
    probe = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"]
    if not shutil.which("unshare") or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("may not mount here")
    line = f'{mount} && exec "$@"'
    return run(workspace, ["unshare", "--mount", "sh", "-c", line, "sh", *SNAKEMAKE, *arguments])


def test_a_disk_that_fills_up_is_told_though_the_log_lies_on_it(workspace):
    (workspace.folder / "results").mkdir()
    mount = "mount -t tmpfs -o size=400k none results"
    lines = on_small_disk(workspace, mount, "--until", "decode_media")
    assert any(
        "error: results/six/corpus/media/" in line and line.endswith("No space left on device")
        for line in lines
    ), lines


def test_a_quota_that_is_used_up_is_told_though_the_log_counts_too(workspace):
    """On btrfs, whose quotas need no support of their own in the kernel."""
    if not shutil.which("mkfs.btrfs"):
        pytest.skip("needs mkfs.btrfs (apt-get install btrfs-progs)")
    if subprocess.run(["losetup", "--find"], capture_output=True).returncode:
        pytest.skip("has no loop device")
    (workspace.folder / "results").mkdir()
    mount = (
        "truncate -s 200M disk && mkfs.btrfs -q disk >&2 && mount -o loop disk results"
        " && btrfs quota enable results && btrfs subvolume create results/six"
        " && btrfs qgroup limit 400K results/six"
    )
    lines = on_small_disk(workspace, mount, "--until", "decode_media")
    assert any(
        "error: results/six/corpus/media/" in line and line.endswith("Disk quota exceeded")
        for line in lines
    ), lines


@pytest.mark.parametrize("options", ["size=16k", "ro"])
def test_results_that_cannot_be_written_to(workspace, options):
    (workspace.folder / "results").mkdir()
    lines = on_small_disk(workspace, f"mount -t tmpfs -o {options} none results")
    cause = "Read-only file system" if options == "ro" else "No space left on device"
    folder = workspace.folder / "results"
    assert lines == [f"error: {folder}: cannot be written to: {cause}"]


def test_a_working_directory_that_is_full(workspace):
    cover = "mount --bind . /mnt && mount -t tmpfs -o size=16k none ."
    (line,) = on_small_disk(
        workspace,
        f"{cover} && cd $PWD && cp -r /mnt/config .",
        "--directory",
        str(workspace.folder),
    )
    assert line.endswith(f"{workspace.folder}: cannot be written to: No space left on device")


def test_results_without_permission(workspace):
    (workspace.folder / "results").mkdir(mode=0o555)
    folder = workspace.folder / "results"
    assert without_rights(workspace) == [
        f"error: {folder}: cannot be written to: Permission denied"
    ]


def test_a_corpus_file_that_may_not_be_read(workspace):
    (workspace.folder / "six/train_sent_emo.csv").chmod(0)
    assert without_rights(workspace) == [
        "error: six/train_sent_emo.csv: cannot be read: Permission denied"
    ]


def test_an_input_that_is_gone(workspace):
    (workspace.folder / "six/dev_sent_emo.csv").unlink()
    (line,) = run(workspace, SNAKEMAKE)
    assert line.startswith("error: six/dev_sent_emo.csv: no such file")


@pytest.mark.parametrize("name", ["six/train_sent_emo.csv", "results/six/corpus/quality.html"])
def test_a_file_from_the_future(workspace, name):
    path = workspace.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (4102444800, 4102444800))
    (line,) = run(workspace, SNAKEMAKE)
    assert line.startswith(f"error: {name}: dated 2100-01-01 00:00 UTC, in the future")
