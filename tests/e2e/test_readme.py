"""The README and the documentation say what is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cberl.configuration import PROJECT

PAGES = [
    page
    for page in sorted(PROJECT.rglob("*.md"))
    if not {".venv", ".snakemake", ".pytest_cache"} & set(page.relative_to(PROJECT).parts)
]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_to_a_file_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_make_target_that_is_named_exists():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:^    |`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M)
        assert set(named) <= targets, page


def test_the_two_commands_come_first():
    commands = re.findall(r"^    (\S.*?)\s*(?:#.*)?$", README, re.MULTILINE)
    assert commands[:2] == ["make run", "make test"]


def test_the_table_of_results_names_what_a_run_makes(finished_run):
    results = finished_run.folder / "results/six"
    table = README.split("## What appears where")[1].split("##")[0]
    names = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert len(names) > 8
    for cell in names:
        for pattern in re.findall(r"`([^`]+)`", cell):
            found = list(results.glob(re.sub(r"\{\w+\}", "*", pattern)))
            assert found, f"README names {pattern}, which a run does not make"


def test_the_picture_of_the_rules_is_up_to_date(workspace):
    drawn = set(re.findall(r">(\w+)</text>", (PROJECT / "docs/rulegraph.svg").read_text()))
    command = [sys.executable, "-m", "snakemake", "--rulegraph"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert drawn == set(re.findall(r'label = "(\w+)"', done.stdout)), "run: make picture"


def test_the_project_names_no_path_of_this_machine():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.split()
    for path in listed:
        if Path(path).suffix in {".py", ".md", ".smk", ".yaml", ".yml", ".toml", ".sh"}:
            text = (PROJECT / path).read_text(encoding="utf-8")
            assert str(PROJECT) not in text, path
            assert str(Path.home() / "") + "/" not in text, path
