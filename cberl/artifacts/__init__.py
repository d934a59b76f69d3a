"""The only reader and writer of intermediates: Parquet tables, safetensors files and pages.

A file appears whole or not at all: it is written under a temporary name, synced and renamed.
Each carries what it is and where it came from: in Parquet under the schema metadata key
``cberl`` (JSON), in safetensors in the header. Each also carries a digest of its content, and no
file is read without this check (`cberl.digests`).
"""

from cberl.artifacts.pages import write_page, write_text
from cberl.artifacts.tables import (
    open_table,
    read_batches,
    read_header,
    read_matrix,
    read_table,
    row_positions,
    take_vectors,
    unpacked_bytes,
    vector_width,
    write_table,
)
from cberl.artifacts.tensors import read_tensor_header, read_tensors, write_tensors

__all__ = [
    "open_table",
    "read_batches",
    "read_header",
    "read_matrix",
    "read_table",
    "read_tensor_header",
    "read_tensors",
    "row_positions",
    "take_vectors",
    "unpacked_bytes",
    "vector_width",
    "write_page",
    "write_table",
    "write_tensors",
    "write_text",
]
