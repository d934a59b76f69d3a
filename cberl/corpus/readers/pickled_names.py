"""What a data pickle may name: constructors of built-in containers and of NumPy arrays.

Nothing is imported by name. Each name that is admitted stands for a function of this module that
checks its arguments and builds the value itself.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from cberl.errors import InputError

Spend = Callable[[int], None]
"""Counts objects that are made, and refuses when there are too many."""

_CODE = re.compile(r"([biufcSUO])(\d{0,7})")


class Name:
    """A global that the pickle names; stands for itself and is never imported."""

    __slots__ = ("full",)

    def __init__(self, full: str) -> None:
        self.full = full


class PickledType:
    """A NumPy type as pickles build it: first its code, later its byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: str) -> None:
        self.code, self.order = code, "="

    def dtype(self) -> np.dtype:
        made = np.dtype(self.code)
        if made.itemsize == 0:
            raise ValueError("has a NumPy type of no size")
        return made if made.hasobject else made.newbyteorder(self.order)


def admit_name(module: str, name: str) -> Name:
    """Let a name pass that plain data needs.

    Raises:
        InputError: it is any other, which the message names.
    """
    # Protocols up to 2 call the module by its name in Python 2.
    full = f"{'builtins' if module == '__builtin__' else module}.{name}"
    if full not in _CALLS and full != "numpy.ndarray":
        refuse_name(full)
    return Name(full)


def refuse_name(full: str) -> None:
    """Refuse a global, by its name."""
    raise InputError(
        f"asks for {full[:200]!r}; a pickle of features may hold built-in values and NumPy "
        "arrays only"
    )


def call(function: Any, arguments: Any, spend: Spend) -> Any:
    """Build what a pickle gets by calling a constructor.

    Raises:
        InputError: it calls anything else.
        ValueError, TypeError: the arguments do not fit.
    """
    if not isinstance(function, Name):
        raise InputError(f"calls a {type(function).__name__}; expected plain data")
    if function.full not in _CALLS or not isinstance(arguments, tuple):
        refuse_name(function.full)
    return _CALLS[function.full](spend, *arguments)


def set_state(target: Any, state: Any) -> None:
    """Fill an array, or give a type its byte order.

    Raises:
        InputError: the target is anything else.
        ValueError, TypeError: the state does not fit.
    """
    if isinstance(target, np.ndarray):
        _, shape, kind, fortran, values = state
        target.__setstate__((1, _check_shape(shape), *_check_values(kind, values, shape, fortran)))
    elif isinstance(target, PickledType):
        if any(part is not None for part in state[2:5]):
            raise ValueError("has a NumPy type with fields")
        target.order = {"|": "="}.get(as_text(state[1]), as_text(state[1]))
    else:
        raise InputError(f"changes a {type(target).__name__}; expected plain data")


def check_key(key: Any) -> Any:
    """Let scalars, and tuples of scalars, be keys: hashing what is nested deeper could overflow."""
    for part in key if isinstance(key, tuple) else (key,):
        if not isinstance(part, str | bytes | int | float | np.generic | None):
            raise ValueError(f"has a {type(part).__name__} as a key")
    return key


def as_text(value: Any) -> Any:
    """Decode a byte string of Python 2 (UTF-8, else cp1252, else Latin-1); others unchanged."""
    if not isinstance(value, bytes):
        return value
    for encoding in ("utf-8", "cp1252"):
        try:
            return value.decode(encoding)
        except UnicodeDecodeError:
            continue
    return value.decode("latin-1")


def _check_shape(shape: Any) -> tuple[int, ...]:
    whole = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
    if not whole or len(shape) > 8:
        raise ValueError("has an array without a proper shape")
    return shape


def _check_values(
    kind: Any, values: Any, shape: tuple[int, ...], fortran: Any
) -> tuple[np.dtype, bool, Any]:
    """Type, order and values of an array, once they are known to fit its shape."""
    if not isinstance(kind, PickledType):
        raise ValueError("has an array without a type")
    dtype = kind.dtype()
    expected = math.prod(shape) * (1 if dtype.hasobject else dtype.itemsize)
    if not isinstance(values, list if dtype.hasobject else bytes) or len(values) != expected:
        raise ValueError("has an array whose values do not fill its shape")
    return dtype, bool(fortran), values


def _empty_array(spend: Spend, kind: Any, shape: Any, code: Any) -> np.ndarray:
    if not isinstance(kind, Name) or kind.full != "numpy.ndarray" or shape != (0,):
        raise ValueError("has an array of a kind of its own")
    spend(1)
    return np.empty(0, dtype=np.int8)


def _array_from_buffer(spend: Spend, values: Any, kind: Any, shape: Any, order: Any) -> np.ndarray:
    dtype, _, values = _check_values(kind, values, _check_shape(shape), order == "F")
    if dtype.hasobject:
        raise ValueError("has objects in a buffer")
    spend(1)
    return np.frombuffer(values, dtype).reshape(shape, order="F" if order == "F" else "C")


def _scalar(spend: Spend, kind: Any, value: Any) -> Any:
    dtype, _, value = _check_values(kind, value, (), False)
    if dtype.hasobject:
        raise ValueError("has an object as a NumPy number")
    return np.frombuffer(value, dtype)[0]


def _type(spend: Spend, code: Any, align: Any = 0, copy: Any = 1) -> PickledType:
    code = as_text(code)
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ValueError(f"has a NumPy type {str(code)[:40]!r}")
    spend(1)
    return PickledType(code)


def _encoded(spend: Spend, text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or as_text(encoding) not in ("latin1", "latin-1"):
        raise ValueError("encodes what is no Latin-1 text")
    spend(1 + len(text) // 64)
    return text.encode("latin-1")


def _complex(spend: Spend, real: Any, imaginary: Any) -> complex:
    return complex(float(real), float(imaginary))


def _container(make: Callable[[Any], Any], hashes: bool) -> Callable[..., Any]:
    def build(spend: Spend, items: Any = ()) -> Any:
        if not isinstance(items, list | tuple):
            raise ValueError(f"makes a container of a {type(items).__name__}")
        spend(1 + len(items))
        return make(map(check_key, items) if hashes else items)

    return build


def _bytes(spend: Spend, value: Any = b"", *encoding: Any) -> bytes:
    return value if isinstance(value, bytes) else _encoded(spend, value, *encoding)


_CALLS: dict[str, Callable[..., Any]] = {
    "numpy.dtype": _type,
    "_codecs.encode": _encoded,
}
for _core in ("numpy.core", "numpy._core"):
    _CALLS[f"{_core}.multiarray._reconstruct"] = _empty_array
    _CALLS[f"{_core}.multiarray.scalar"] = _scalar
    _CALLS[f"{_core}.numeric._frombuffer"] = _array_from_buffer
_CALLS |= {
    "builtins.list": _container(list, hashes=False),
    "builtins.tuple": _container(tuple, hashes=False),
    "builtins.set": _container(set, hashes=True),
    "builtins.frozenset": _container(frozenset, hashes=True),
    "builtins.complex": _complex,
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
}
