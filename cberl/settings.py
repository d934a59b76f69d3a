"""Typed settings: a frozen dataclass for each section of the configuration.

The classes stand in each stage's module ``settings``. They are the one source of keys, defaults,
bounds and descriptions: the JSON schemas that Snakemake checks a configuration against, the
reference in config/README.md and the defaults of `cberl.api` are made from them
(`cberl.config_schema`).
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

Section = TypeVar("Section")
JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def setting(
    description: str,
    default: Any = dataclasses.MISSING,
    *,
    kinds: tuple[str, ...] = (),
    **constraints: Any,
) -> Any:
    """Declare a setting: a field of a section.

    Args:
        description: what it means, with its unit; a sentence.
        default: its value where none is given; without one it is required.
        kinds: the values of the section's ``kind`` that the setting belongs to; all if empty.
        constraints: keywords of JSON schema (``minimum``, ``pattern``, ...), in snake case where
            the keyword has capitals.
    """
    schema = {"description": description}
    schema |= {_camel(name): value for name, value in constraints.items()}
    metadata = {"schema": schema, "kinds": kinds}
    if default == {}:
        return dataclasses.field(default_factory=dict, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def section(of: type[Section]) -> Section:
    """Declare a section within a section; its settings all have defaults."""
    return dataclasses.field(default_factory=of)


def read_settings(of: type[Section], values: Mapping[str, Any]) -> Section:
    """Make a section's settings from a mapping, as read from YAML or JSON.

    Keys that are not given take their defaults.

    Raises:
        ValueError: a key is unknown or a required one is missing. What users write is checked
            against the schema before (`cberl.configuration.check_settings`).
    """
    hints = typing.get_type_hints(of)
    fields = {field.name for field in dataclasses.fields(of)}
    unknown = set(values) - fields
    if unknown:
        raise ValueError(f"{of.__name__} has no setting {sorted(unknown)[0]}")
    given = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints[name]) and isinstance(value, Mapping):
            value = read_settings(hints[name], value)
        if isinstance(value, list | tuple):
            (of_item, *_) = typing.get_args(hints[name]) or (str,)
            is_section = dataclasses.is_dataclass(of_item)
            value = tuple(
                read_settings(of_item, item) if is_section and isinstance(item, Mapping) else item
                for item in value
            )
        # JSON schema, too, takes 3.0 for an integer.
        is_whole = hints[name] is int and isinstance(value, float) and value.is_integer()
        given[name] = int(value) if is_whole else value
    try:
        return of(**given)
    except TypeError as error:
        raise ValueError(f"{of.__name__}: {error}") from None


def schema_of(of: type) -> dict[str, Any]:
    """The JSON schema of a section; its description is the first paragraph of the docstring."""
    hints = typing.get_type_hints(of)
    properties, required, of_kinds = {}, [], {}
    for field in dataclasses.fields(of):
        if dataclasses.is_dataclass(hints[field.name]):
            properties[field.name] = schema_of(hints[field.name])
            if "required" in properties[field.name]:
                required.append(field.name)
            continue
        own = field.metadata["schema"]
        shape = {} if "oneOf" in own else _shape_of(hints[field.name])
        properties[field.name] = {"description": own["description"], **shape, **own}
        kinds = field.metadata["kinds"]
        if kinds:
            of_kinds.setdefault(kinds, {})[field.name] = _default_of(field)
        elif _default_of(field) is dataclasses.MISSING:
            required.append(field.name)
        else:
            properties[field.name]["default"] = _default_of(field)
    schema = {
        "description": " ".join((of.__doc__ or "").split("\n\n")[0].split()),
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": properties,
        **({"allOf": [_only_for(*item) for item in of_kinds.items()]} if of_kinds else {}),
    }
    return schema if required else schema | {"default": {}}


def _only_for(kinds: tuple[str, ...], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A condition: some kinds have these settings, by default so; others must not have them."""
    names = " or ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))
    return {
        "if": {"required": ["kind"], "properties": {"kind": {"enum": list(kinds)}}},
        "then": {
            "properties": {
                name: {} if value is None else {"default": value}
                for name, value in defaults.items()
            }
        },
        "else": {
            "propertyNames": {
                "description": f"belongs to corpus.kind {names}",
                "not": {"enum": list(defaults)},
            }
        },
    }


def _shape_of(hint: Any) -> dict[str, Any]:
    """JSON schema of a plain type, a choice of literals, a section, a tuple, a mapping of names to
    one of those, or one of those or None."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _shape_of(arguments[0])}
    if dataclasses.is_dataclass(hint):
        return schema_of(hint)
    if origin is dict:
        return {"type": "object", "additionalProperties": _shape_of(arguments[1])}
    if origin is types.UnionType:
        (present,) = [one for one in arguments if one is not types.NoneType]
        return _shape_of(present)
    return {"type": JSON_TYPES[hint]}


def _default_of(field: dataclasses.Field) -> Any:
    """A setting's default as JSON has it; `dataclasses.MISSING` where it is required."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return list(field.default) if isinstance(field.default, tuple) else field.default


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
