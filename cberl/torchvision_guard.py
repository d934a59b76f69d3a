"""Make torchvision importable where its compiled part cannot be loaded.

The torchvision wheel that pairs with a CUDA build of torch cannot load its compiled operators
beside a CPU build. Importing it then fails with "operator torchvision::nms does not exist", and so
does every library that looks for it (transformers among them). Declaring the two operators
that the import asks for is enough: networks, transforms and published weights work. The
operators themselves (such as non-maximum suppression) stay unavailable; nothing here
needs them.
"""

import importlib.machinery
import importlib.util
import logging
from functools import cache
from pathlib import Path
from typing import Any

NAMESPACE = "torchvision"
ASKED_FOR = ("nms", "qnms")
_declared: list[Any] = []  # torch forgets a declaration when the library object is collected


@cache
def guard_torchvision() -> bool:
    """Prepare the import of torchvision, or of what imports it; cheap, and done once.

    A healthy installation, or none at all, is left as it is.

    Returns:
        Whether the compiled operators are there.
    """
    spec = importlib.util.find_spec(NAMESPACE)
    if spec is None or spec.origin is None:
        return False
    if _load_operators(Path(spec.origin).parent):
        return True
    _declare_operators()
    logging.info("torchvision's compiled operators cannot be loaded; its networks work without")
    return False


def _load_operators(folder: Path) -> bool:
    """Load the compiled part as torchvision itself would; loading it again later does nothing."""
    import torch

    finder = importlib.machinery.FileFinder(
        str(folder),
        (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
    )
    compiled = finder.find_spec("_C")
    if compiled is None or compiled.origin is None:
        return False
    try:
        torch.ops.load_library(compiled.origin)
    except OSError:
        return False
    return True


def _declare_operators() -> None:
    import torch

    library = torch.library.Library(NAMESPACE, "FRAGMENT")
    for name in ASKED_FOR:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)
