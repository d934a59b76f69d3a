"""environment.yml and pyproject.toml name the same packages at the same versions."""

import re
import tomllib

import yaml

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


def name_of(requirement):
    return re.match(r"[A-Za-z0-9_.-]+", requirement).group().lower()


def pip_part():
    return next(part["pip"] for part in ENVIRONMENT["dependencies"] if isinstance(part, dict))


def test_the_environment_installs_what_the_package_needs():
    wanted = PYPROJECT["dependencies"] + PYPROJECT["optional-dependencies"]["test"]
    assert pip_part() == wanted


def test_the_environment_needs_no_file_beside_it():
    """`snakemake --sdm conda` builds it from a copy elsewhere."""
    assert not [line for line in pip_part() if line.startswith("-") or "/" in line]


def test_the_environment_has_the_python_of_the_package():
    assert "python=3.11" in ENVIRONMENT["dependencies"]
    assert PYPROJECT["requires-python"] == ">=3.11,<3.12"
    assert ENVIRONMENT["name"] == "cberl"


def test_the_packages_of_the_project_are_there():
    wanted = PYPROJECT["dependencies"] + PYPROJECT["optional-dependencies"]["test"]
    assert set(ASKED_FOR) <= {name_of(requirement) for requirement in wanted}
    assert {"torch==2.13.0", "torchvision==0.28.0"} <= set(wanted)


def test_every_dependency_is_locked():
    lock = (PROJECT / "requirements.lock").read_text()
    assert "+cpu" not in lock
    locked = {name_of(line) for line in lock.splitlines() if line and line[0] != "#"}
    wanted = PYPROJECT["dependencies"] + PYPROJECT["optional-dependencies"]["test"]
    assert {name_of(requirement) for requirement in wanted} <= locked
