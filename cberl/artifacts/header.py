"""The description that every table and tensor file carries, as JSON under one key."""

import json
from collections.abc import Mapping
from typing import Any

HEADER_KEY = "cberl"


def encode_header(header: Mapping[str, Any]) -> str:
    """A header as JSON, with a fact that is a number of NumPy as a plain one."""
    return json.dumps(header, sort_keys=True, default=lambda fact: fact.item())
