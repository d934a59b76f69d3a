"""pyproject.toml, requirements.lock and environment.yml name the same packages."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from cberl.configuration import PROJECT

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((PROJECT / "environment.yml").read_text())
ASKED_FOR = [
    "torch",
    "torch-geometric",
    "snakemake",
    "pyarrow",
    "pandas",
    "opensmile",
    "transformers",
    "torchvision",
    "pytest",
]


EXACT = {"ruff", "snakefmt"}
"""Formatters: another version lays files out in another way."""


def name_of(requirement):
    return re.match(r"[A-Za-z0-9_.-]+", requirement).group().lower()


def pip_part():
    return next(part["pip"] for part in ENVIRONMENT["dependencies"] if isinstance(part, dict))


WANTED = PYPROJECT["dependencies"] + PYPROJECT["optional-dependencies"]["test"]
PAGE = PROJECT / "docs/licences.md"
LOCKS = {path.name: path.read_text() for path in PROJECT.glob("requirements*.lock")}
PINS = {
    lock: {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.M)}
    for lock, text in LOCKS.items()
}
LOCKED = {name: version for pins in PINS.values() for name, version in pins.items()}
WITHOUT_HASHES = {"torch", "torchvision"}


def test_the_environment_installs_what_the_package_needs():
    assert [name_of(one) for one in pip_part()] == [name_of(one) for one in WANTED]


def test_the_environment_has_the_locked_versions():
    for requirement in pip_part():
        name, version = requirement.split("==")
        assert version == LOCKED[name], name


@pytest.mark.parametrize("requirement", WANTED)
def test_the_locked_version_is_in_the_range(requirement):
    wanted = Requirement(requirement)
    assert wanted.specifier.contains(LOCKED[wanted.name]), f"locked at {LOCKED[wanted.name]}"
    if wanted.name not in EXACT:
        operators = {part.operator for part in wanted.specifier}
        assert operators == {">=", "<"}, "expected a range: an exact pin stops other packages"


def test_the_environment_needs_no_file_beside_it():
    """`snakemake --sdm conda` builds it from a copy elsewhere."""
    assert not [line for line in pip_part() if line.startswith("-") or "/" in line]


def test_the_environment_has_the_python_of_the_package():
    assert "python=3.11" in ENVIRONMENT["dependencies"]
    assert SpecifierSet(PYPROJECT["requires-python"]).contains("3.11")
    assert ENVIRONMENT["name"] == "cberl"


def test_the_packages_of_the_project_are_there():
    assert set(ASKED_FOR) <= {name_of(requirement) for requirement in WANTED}
    # These two are built as a pair.
    assert (LOCKED["torch"], LOCKED["torchvision"]) == ("2.13.0", "0.28.0")


def test_every_locked_package_has_hashes_but_those_of_torch():
    text = LOCKS["requirements.lock"] + LOCKS["requirements-test.lock"]
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.M)[1:]
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}$", entry, re.M), entry.split()[0]
    assert LOCKED.keys() - {entry.split("==")[0].lower() for entry in entries} == WITHOUT_HASHES


def test_no_package_is_locked_twice():
    assert sum(map(len, PINS.values())) == len(LOCKED)


def test_what_a_run_needs_is_in_its_own_lock():
    needed = {name_of(requirement) for requirement in PYPROJECT["dependencies"]}
    assert needed <= PINS["requirements.lock"].keys() | WITHOUT_HASHES
    assert not needed & PINS["requirements-test.lock"].keys()


def test_the_lock_names_no_build_that_exists_in_one_place_only():
    assert "+cpu" not in "".join(LOCKS.values())


def test_the_licence_of_every_locked_package_is_listed():
    rows = re.findall(r"^\| ([\w.-]+) \|.*\| (\S.*) \|$", PAGE.read_text(), re.M)
    listed = {re.sub(r"[-_.]+", "-", name).lower(): licence for name, licence in rows}
    locked = {re.sub(r"[-_.]+", "-", name) for name in LOCKED}
    assert not locked - listed.keys(), "run: make licences"
    assert "no commercial use" in " ".join(PAGE.read_text().split("\n"))


def test_pre_commit_runs_the_locked_formatters():
    config = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())
    revisions = {Path(repo["repo"]).name: repo["rev"] for repo in config["repos"]}
    assert revisions == {
        "ruff-pre-commit": f"v{LOCKED['ruff']}",
        "snakefmt": f"v{LOCKED['snakefmt']}",
    }
