"""Data flows one way: a stage imports only what stands left of it."""

import ast
import importlib

import pytest

from cberl.configuration import PROJECT

STAGES = [
    "corpus",
    "features",
    "oversample",
    "fuse",
    "graph",
    "train",
    "evaluate",
    "report",
    "predict",
]
ABOVE = {"cli", "commands", "__main__", "config_schema", "output_reference", "api"}
"""What stands above all stages: commands, schema and reference of the whole, the API."""
MODULES = sorted((PROJECT / "cberl").rglob("*.py"))


def imported_parts(path):
    """Second part of every cberl module that a file imports: ``cberl.fuse.vae.fit`` gives fuse."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("cberl."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_stage_imports_only_what_stands_left_of_it(path):
    own = path.relative_to(PROJECT / "cberl").parts[0].removesuffix(".py")
    stages = set(imported_parts(path)) & set(STAGES)
    if own in STAGES:
        allowed = set(STAGES[: STAGES.index(own) + 1])
    else:
        allowed = set(STAGES) if own in ABOVE else set()
    assert stages <= allowed


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_a_rule_file_a_package_and_a_folder_of_tests(stage):
    assert (PROJECT / f"workflow/rules/{stage}.smk").is_file()
    assert (PROJECT / f"cberl/{stage}/__init__.py").is_file()
    assert list((PROJECT / f"tests/unit/{stage}").glob("test_*.py"))


SCRIPTS = sorted((PROJECT / "workflow/scripts").glob("*.py"))
BENCHMARKS = sorted((PROJECT / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS, *BENCHMARKS], ids=lambda path: path.name)
def test_every_name_that_is_imported_from_the_package_exists(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cberl"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")


def test_no_file_is_too_long_to_read():
    for path in [*MODULES, *(PROJECT / "workflow").rglob("*.smk")]:
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= 400, f"{path} has {lines} lines"
