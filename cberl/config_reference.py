"""The reference of all settings in config/README.md, as Markdown made from the schemas."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml


def list_settings(
    schema: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, str, str, str]]:
    """Yield key, type or choices, default and meaning of every setting of a JSON schema."""
    required = schema.get("required", [])
    for name, part in schema["properties"].items():
        if "properties" in part:
            yield from list_settings(part, f"{prefix}{name}.")
            continue
        default = "required" if name in required else f"`{_plain(_default(schema, name))}`"
        yield f"{prefix}{name}", _kind(part), default, " ".join(part["description"].split())


def render_reference(schemas: Mapping[str, Mapping[str, Any]]) -> str:
    """The reference as Markdown: a table for each schema.

    Args:
        schemas: title -> JSON schema.
    """
    lines = []
    for title, schema in schemas.items():
        lines += [f"## {title}", "", "| key | value | default | meaning |", "|---|---|---|---|"]
        for key, kind, default, meaning in list_settings(schema):
            lines.append(f"| `{key}` | {kind} | {default} | {meaning} |".replace("\\", "\\\\"))
        lines.append("")
    return "\n".join(lines)


def _default(schema: Mapping[str, Any], name: str) -> Any:
    """The default of a key, which may depend on the value of another key."""
    branches = [branch["then"] for branch in schema.get("allOf", [])]
    for part in (schema, *branches):
        if "default" in part["properties"].get(name, {}):
            return part["properties"][name]["default"]
    return None


def _kind(part: Mapping[str, Any]) -> str:
    if "title" in part:  # where a pattern is narrower than the type
        return str(part["title"])
    if "oneOf" in part:
        *others, last = [_kind(choice) for choice in part["oneOf"]]
        return f"{', '.join(others)}{',' if len(others) > 1 else ''} or {last}"
    if "enum" in part:
        return ", ".join(f"`{choice}`" for choice in part["enum"])
    if part.get("type") == "array":
        return f"list of {_kind(part['items'])}"
    if part.get("type") == "object":
        return "sections" if "properties" in part else "mapping of names"
    return str(part["type"])


def _plain(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True).splitlines()[0] if value != "" else '""'
