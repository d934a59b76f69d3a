"""Named tensors as safetensors files."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cberl.artifacts.header import HEADER_KEY, encode_header
from cberl.artifacts.tensor_views import DTYPES, view_tensors
from cberl.digests import DIGEST_KEY, NO_DIGEST, check_digest, put_digest, read_checked
from cberl.errors import InputError
from cberl.whole_files import whole_file


def write_tensors(
    path: str | Path,
    kind: str,
    tensors: Mapping[str, Any],
    provenance: Mapping[str, Any],
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write named tensors (torch or NumPy) as safetensors, with ``metadata`` in the header.

    Args:
        kind: what the file is, in a word or two ("gan", "vae", "scaler").
        metadata: whatever is needed to use the tensors (settings, class list), JSON-able.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(_to_numpy(value)) for name, value in tensors.items()}
    header = {
        DIGEST_KEY: NO_DIGEST,
        "kind": kind,
        "metadata": dict(metadata or {}),
        "provenance": dict(provenance),
    }
    # One key only: safetensors writes several in an order that changes from run to run.
    encoded = {HEADER_KEY: encode_header(header)}
    with whole_file(path) as temporary:
        try:
            save_file(arrays, temporary, metadata=encoded)
        except SafetensorError as error:
            raise _as_os_error(error) from None
        # safetensors keeps its files to their owner; these are as readable as the tables.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        put_digest(temporary)


def read_tensors(path: str | Path, kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read tensors and their metadata (see `write_tensors`).

    The tensors are views of one array, which is the whole file.

    Raises:
        InputError: the file is absent, broken, of another kind, or holds types that NumPy lacks.
    """
    content = read_checked(path)
    header = read_tensor_header(path)
    if header["kind"] != kind:
        raise InputError(f"{path}: holds tensors of {header['kind']}, expected {kind}")
    try:
        return view_tensors(content), header["metadata"]
    except KeyError as error:
        raise InputError(
            f"{path}: holds tensors of type {error}; expected one of {', '.join(DTYPES)}"
        ) from None


def read_tensor_header(path: str | Path) -> dict[str, Any]:
    """Read the header of a safetensors file: kind, metadata, provenance.

    Raises:
        InputError: the file is absent, broken, or was not written by this package.
    """
    from safetensors import SafetensorError, safe_open

    check_digest(path)
    try:
        with safe_open(path, framework="numpy") as handle:
            header = json.loads(handle.metadata()[HEADER_KEY])
        known = {"kind", "metadata"} <= header.keys()
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        known = False
    if not known:
        raise InputError(f"{path}: was not written by this package; expected one of its models")
    return header


def _as_os_error(error: Exception) -> Exception:
    """The system's error that safetensors reports in words, if it does."""
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else error


def _to_numpy(value: Any) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else value.detach().cpu().numpy()
