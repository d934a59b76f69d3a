"""The tensors in the bytes of a safetensors file, without a copy."""

import json

import numpy as np

DTYPES = {
    **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
    **{f"I{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    "BOOL": "?",
}
"""Names of types in safetensors -> NumPy's."""


def view_tensors(content: np.ndarray) -> dict[str, np.ndarray]:
    """Tensors as views of the file that holds them.

    Args:
        content: the whole file, uint8 [bytes], whose header safetensors has accepted.

    Raises:
        KeyError: a tensor has a type that NumPy lacks.
    """
    start = 8 + int.from_bytes(content[:8].tobytes(), "little")
    described = json.loads(content[8:start].tobytes())
    described.pop("__metadata__")
    views = {}
    for name, tensor in described.items():
        first, end = tensor["data_offsets"]
        numbers = content[start + first : start + end].view(DTYPES[tensor["dtype"]])
        views[name] = numbers.reshape(tensor["shape"])
    return views
