"""A digest of its own content in every artifact, checked whenever the artifact is read.

The digest is XXH3 with 128 bits, of all bytes of the file; its own 32 hexadecimal digits count
as zeros. It stands where every reader of the format passes it over: under the key
``cberl_digest`` in a Parquet file's footer, in the JSON of a safetensors header, in the last line
of a page. It detects damage by disks, memory and networks. It is no signature: whoever
changes a file on purpose can write a digest that fits.
"""

import json
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import xxhash

from cberl.errors import InputError

if TYPE_CHECKING:
    import numpy as np

DIGEST_KEY = "cberl_digest"
NO_DIGEST = "xxh3_128:" + 32 * "0"
"""What a writer puts in the digest's place until `put_digest` knows it."""

_FIELD = re.compile(rb"cberl_digest[^0-9a-z]{1,8}(xxh3_128:([0-9a-f]{32}))")
_RULE = re.compile(rb'rule\W{1,8}"(\w+)\\?"')
_DIGITS = 32
_LONGEST_LAST_LINE = 128
_AT_ONCE = 1 << 18
"""Bytes hashed at once: they stay in the processor's cache between reading and hashing."""

_checked: dict[tuple[str, int, int, int], str] = {}
"""Digests that this process has checked, by path, inode, size and time of change."""


def put_digest(path: str | Path) -> str:
    """Put a file's digest in the place that its writer kept for it.

    Raises:
        InputError: the file has no such place, or two.
    """
    with Path(path).open("r+b") as file:
        found = _find_fields(file)
        if len(found) != 1:
            raise InputError(f"{path}: has {len(found)} places for a digest, expected one")
        start = found[0].start
        digest = _compute(file, start)
        file.seek(start)
        file.write(digest.encode())
    return f"xxh3_128:{digest}"


def check_digest(path: str | Path) -> str:
    """Hold a file's content against the digest in it, once per process.

    Returns:
        the digest, ``xxh3_128:`` and 32 hexadecimal digits.

    Raises:
        InputError: there is no such file; it cannot be read; it holds no digest; its content is
            not what was written. The last two name the rule that makes the file again.
    """
    with _opened(path) as (file, key):
        if key not in _checked:
            _checked[key] = _check_open(path, file, None)
        return _checked[key]


def read_checked(path: str | Path) -> "np.ndarray":
    """Read a whole file, its content held against the digest in it while it is read.

    It is hashed piece by piece, while it is still in the processor's cache.

    Returns:
        uint8 [bytes].

    Raises:
        InputError: as `check_digest`.
    """
    import numpy as np  # commands that only check start without it

    with _opened(path) as (file, key):
        content = np.empty(os.fstat(file.fileno()).st_size, np.uint8)
        _checked[key] = _check_open(path, file, content)
        return content


def is_own_digest(digest: str | None) -> bool:
    """Whether a digest is one that artifacts carry, rather than one of raw data."""
    return digest is not None and digest.startswith("xxh3_128:")


def find_rule(path: str | Path) -> str | None:
    """The rule that made a file: by Snakemake's record, else by what is legible in the file."""
    path = Path(path).absolute()
    rule = find_record(path)["rule"]
    if rule is not None:
        return rule
    try:
        with path.open("rb") as file:
            found = _RULE.search(_region(file)[1])
    except OSError:
        return None
    return found[1].decode() if found else None


def find_record(path: str | Path) -> dict[str, Any]:
    """What Snakemake noted of the job that made a file.

    Returns:
        ``rule``: its name, None if nothing legible is noted; ``inputs``: absolute paths.
    """
    path = Path(path).absolute()
    for folder in path.parents:
        name = urlsafe_b64encode(str(path.relative_to(folder)).encode()).decode()
        try:
            record = json.loads((folder / ".snakemake/metadata" / name).read_bytes())
            inputs = [folder / one for one in record.get("input") or ()]
            return {"rule": str(record["rule"]), "inputs": inputs}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return {"rule": None, "inputs": []}


class _Field:
    """Where in a file the digits of its digest start, and what they are."""

    def __init__(self, start: int, digest: str) -> None:
        self.start, self.digest = start, digest


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[BinaryIO, tuple[str, int, int, int]]]:
    """A file, and the key that its digest has in `_checked`."""
    try:
        with Path(path).open("rb") as file:
            facts = os.fstat(file.fileno())
            yield file, (os.path.abspath(path), facts.st_ino, facts.st_size, facts.st_mtime_ns)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _check_open(path: str | Path, file: BinaryIO, content: "np.ndarray | None") -> str:
    found = _find_fields(file)
    if not found:
        problem = "broken, or not written by cberl: it holds no digest of its content"
    elif len(found) > 1 or _compute(file, found[0].start, content) != found[0].digest:
        problem = "broken: its content is not what was written"
    else:
        return f"xxh3_128:{found[0].digest}"
    rule = find_rule(path)
    mend = f"; remove it and rule {rule} makes it again with the next run" if rule else ""
    raise InputError(f"{path}: {problem}{mend}")


def _find_fields(file: BinaryIO) -> list[_Field]:
    offset, region = _region(file)
    return [_Field(offset + found.start(2), found[2].decode()) for found in _FIELD.finditer(region)]


def _region(file: BinaryIO) -> tuple[int, bytes]:
    """The part of a file that holds its digest, and where that part starts."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(8)
    if head[:4] == b"PAR1":  # a Parquet file: its footer, whose length stands behind it
        file.seek(max(0, size - 8))
        length = int.from_bytes(file.read(4), "little")
        start = max(0, size - 8 - length)
    else:
        start = max(0, size - _LONGEST_LAST_LINE)
        file.seek(start)
        last = file.read()
        if _FIELD.search(last):  # a page: its last line
            return start, last
        # A safetensors file: its header, whose length stands before it.
        start, length = 8, min(int.from_bytes(head, "little"), size)
    file.seek(start)
    return start, file.read(length)


def _compute(file: BinaryIO, digits: int, content: "np.ndarray | None" = None) -> str:
    """Digest a file in which the 32 digits from an offset on count as zeros.

    Args:
        content: filled with what is read, uint8 [bytes of the file]; None if it is not needed.
    """
    hasher = xxhash.xxh3_128()
    if hasattr(os, "posix_fadvise"):  # the system then reads further ahead
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
    size = os.fstat(file.fileno()).st_size
    # Content that is not needed goes through one buffer, piece by piece.
    whole = memoryview(content) if content is not None else None
    buffer = memoryview(bytearray(_AT_ONCE)) if whole is None else None
    own = digits + _DIGITS
    file.seek(0)
    for start, end in ((0, digits), (digits, own), (own, size)):
        while start < end:
            piece = min(end - start, _AT_ONCE)
            target = buffer[:piece] if whole is None else whole[start : start + piece]
            read = file.readinto(target)
            if not read:
                break
            hasher.update(read * b"0" if start == digits else target[:read])
            start += read
    return hasher.hexdigest()
