"""Where an artifact came from: rule, settings, code, seed, inputs and library versions."""

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cberl
from cberl.digests import check_digest, find_record

PROJECT = Path(__file__).resolve().parent.parent
RESULTS = "results"
"""The folder of all artifacts, in the working directory."""

CORPUS_ROOT = "corpus.root"
"""The name of the corpus's folder in provenance: no byte depends on its location."""

OWN_FILES = ("encoder", "weights", "auxiliary.file")
"""Keys of settings, by their last parts, that may name a file or folder of the user's."""

LIBRARIES = (
    "numpy",
    "pandas",
    "pyarrow",
    "torch",
    "torchvision",
    "torch-geometric",
    "transformers",
    "opensmile",
    "av",
    "scikit-learn",
    "imbalanced-learn",
    "snakemake",
)


def code_digest(script: str | Path) -> str:
    """Digest a script and every module of this package that it imports, directly or not.

    Comments, docstrings and layout do not count: only a change of what the code does gives
    another digest.

    Args:
        script: path of a Python file.

    Returns:
        16 hexadecimal digits.
    """
    reached: dict[Path, str] = {}
    waiting = [Path(script).resolve()]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached[path], imported = _digest_and_imports(path)
            waiting.extend(imported)
    named = sorted((path.name, digest) for path, digest in reached.items())
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:16]


def settings_digest(settings: Any) -> str:
    """Digest JSON-able settings, whatever the order of their keys: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def input_digest(path: str | Path) -> str | None:
    """What a job's provenance calls the content of an input by; see `describe_job`."""
    if Path(path).parts[0] == RESULTS:
        return check_digest(path)
    return None if Path(path).is_dir() else file_digest(path)


def portable_name(path: str | Path, places: Mapping[Path, str]) -> str:
    """A file's name as the configuration has it, wherever the workflow runs.

    What stands in the project's folder is named from there, by `find_path` too; what stands in
    one of the places, by `find_input` too.

    Args:
        places: files and folders whose location decides no byte -> what stands for each.
    """
    path = Path(path)
    for place, name in places.items():
        if path.is_relative_to(place):
            return str(name / path.relative_to(place))
    return str(path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path)


def own_places(settings: Any, key: str = "") -> dict[Path, str]:
    """The files and folders of the user's that settings name, for `portable_name`.

    Args:
        key: where the settings stand, with a point in front of each part.

    Returns:
        path -> its key and the last part of its name: ``encoder/roberta-base``,
        ``encoders.1.encoder/roberta-base``.
    """
    own = _own_file(settings, key)
    places = {own: f"{key[1:]}/{own.name}"} if own else {}
    for name, value in _items(settings):
        places |= own_places(value, f"{key}.{name}")
    return places


def without_places(settings: Any, key: str = "") -> Any:
    """Settings without where the corpus and the user's encoders lie, which decides no byte.

    For an encoder, the last part of its name remains: the digests of its files are inputs.
    """
    plain = {name: without_places(value, f"{key}.{name}") for name, value in _items(settings)}
    if isinstance(settings, Mapping):
        return {name: value for name, value in plain.items() if key or name != "root"}
    if isinstance(settings, list | tuple):
        return list(plain.values())
    own = _own_file(settings, key)
    return own.name if own else settings


def find_path(path: str, folder: Path = Path()) -> Path:
    """Find a path of the configuration: from the working directory, else the project's folder.

    A ``~`` in front stands for the home folder, as in a shell.

    Args:
        folder: the working directory of the workflow, if it is not the current one.
    """
    expanded = os.path.expanduser(path)
    found = folder / expanded
    return found if found.exists() else PROJECT / expanded


def find_input(name: str, artifact: Path, folder: Path, digest: str | None) -> Path | None:
    """Find an input by the name that an artifact's provenance has for it.

    Args:
        artifact: the file that was made from it.
        folder: the working directory of the workflow.
        digest: of the input when it was read.

    Returns:
        its path, whether there is a file or not; None for a file of the corpus or of an encoder if
        Snakemake has no record of the artifact, in which their places would be.
    """
    place, _, inside = name.partition("/")
    if place != CORPUS_ROOT and not _names_own_file(f".{place}"):
        return find_path(name, folder)
    noted = [path for path in find_record(artifact)["inputs"] if str(path).endswith(f"/{inside}")]
    if len(noted) > 1:
        # Two encoders may have folders of one name, and files of one name in them.
        noted.sort(key=lambda path: not (path.is_file() and file_digest(path) == digest))
    return noted[0] if noted else None


def describe_job(
    rule: str,
    wildcards: Mapping[str, str],
    settings: Any,
    code: str,
    seed: int | None,
    inputs: Iterable[str],
    params: Mapping[str, Any] | None = None,
    device: str | None = None,
    places: Mapping[Path, str] | None = None,
) -> dict[str, Any]:
    """Describe an artifact's origin. No time stamp: same job, same bytes.

    An artifact (a file under ``results/``) is named with the digest that it carries, once its
    content has been checked; raw data with the SHA-256; directories without.

    Args:
        params: what else than settings the rule hands to the job, if it decides what is written.
        device: what torch computes on.
        places: as of `portable_name`.

    Raises:
        InputError: an artifact among the inputs is broken.
        OSError: an input is missing or cannot be read.
    """
    return {
        "cberl_version": cberl.__version__,
        "git_commit": git_commit(),
        "rule": rule,
        "wildcards": dict(wildcards),
        "settings": settings,
        "settings_digest": settings_digest(settings),
        "params": dict(params or {}),
        "code_digest": code,
        "seed": seed,
        "device": device,
        "inputs": {portable_name(path, places or {}): input_digest(path) for path in inputs},
        "libraries": {"python": platform.python_version(), **library_versions()},
    }


@cache
def git_commit() -> str | None:
    """The commit of this checkout, with ``+`` behind it if files differ; None outside git."""
    # Jobs ask at the same time: none may lock the index.
    git = ["git", "--no-optional-locks", "-C", str(PROJECT)]
    try:
        commit = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed else "")


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that shape the numbers, without importing them."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _items(settings: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(settings, Mapping):
        return settings.items()
    return enumerate(settings) if isinstance(settings, list | tuple) else ()


def _own_file(value: Any, key: str) -> Path | None:
    """The file or folder of the user's that a setting names; None if it names none."""
    if not (isinstance(value, str) and value and _names_own_file(key)):
        return None
    found = find_path(value)
    return found if found.exists() else None


def _names_own_file(key: str) -> bool:
    return any(key.endswith(f".{own}") for own in OWN_FILES)


@cache
def _digest_and_imports(path: Path) -> tuple[str, tuple[Path, ...]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module)
            modules.update(f"{node.module}.{alias.name}" for alias in node.names)
        _drop_docstring(node)
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return digest, tuple(sorted({file for name in modules for file in _module_files(name)}))


def _drop_docstring(node: ast.AST) -> None:
    if (
        isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
        and isinstance(node.body[0].value.value, str)
    ):
        node.body[0].value.value = ""


def _module_files(name: str) -> list[Path]:
    """The files that importing ``name`` runs: the module and its parent packages."""
    parts = name.split(".")
    if parts[0] != "cberl":
        return []
    files = []
    for length in range(1, len(parts) + 1):
        base = PROJECT.joinpath(*parts[:length])
        files += [path for path in (base / "__init__.py", base.with_suffix(".py")) if path.exists()]
    return files
