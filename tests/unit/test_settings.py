"""Typed settings: defaults, schema, and what is refused."""

import dataclasses
from typing import Literal

import pytest

from cberl.config_schema import Configuration, make_schema
from cberl.fuse.settings import VAESettings
from cberl.settings import read_settings, schema_of, section, setting


@dataclasses.dataclass(frozen=True)
class Inner:
    """A part."""

    size: int = setting("Its size.", 3, minimum=1)


@dataclasses.dataclass(frozen=True)
class Outer:
    """The whole."""

    kind: Literal["a", "b"] = setting("Which.")
    names: tuple[str, ...] = setting("Names.", ("x",))
    only_b: float = setting("Of b alone.", 0.5, kinds=("b",))
    inner: Inner = section(Inner)


def test_what_is_not_given_takes_its_default():
    settings = read_settings(Outer, {"kind": "a", "inner": {}})
    assert settings == Outer("a", ("x",), 0.5, Inner(3))


def test_lists_of_yaml_become_tuples_and_sections_are_read_too():
    settings = read_settings(Outer, {"kind": "b", "names": ["y", "z"], "inner": {"size": 5}})
    assert settings.names == ("y", "z")
    assert settings.inner.size == 5


def test_a_whole_number_with_a_point_is_an_integer():
    """As JSON schema has it."""
    size = read_settings(Inner, {"size": 5.0}).size
    assert size == 5
    assert isinstance(size, int)


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        VAESettings().latent_size = 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "a", "inner": {"siez": 1}}, "Inner has no setting siez"),
        ({}, "Outer: .*kind"),
    ],
)
def test_unknown_and_missing_settings_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        read_settings(Outer, values)


def test_the_schema_has_types_defaults_bounds_and_conditions():
    schema = schema_of(Outer)
    assert schema["required"] == ["kind"]
    assert schema["properties"]["kind"] == {"description": "Which.", "enum": ["a", "b"]}
    assert schema["properties"]["names"]["items"] == {"type": "string"}
    assert schema["properties"]["names"]["default"] == ["x"]
    assert schema["properties"]["inner"]["properties"]["size"] == {
        "description": "Its size.",
        "type": "integer",
        "minimum": 1,
        "default": 3,
    }
    (condition,) = schema["allOf"]
    assert condition["then"]["properties"] == {"only_b": {"default": 0.5}}
    assert condition["else"]["propertyNames"]["not"] == {"enum": ["only_b"]}


def test_classes_and_schema_have_the_same_defaults():
    """A configuration with nothing but a corpus, filled in by either, is the same."""

    def fill(schema):
        return {
            name: fill(part) if "properties" in part else part.get("default")
            for name, part in schema["properties"].items()
            if name != "corpus"
        }

    def as_lists(value):
        if isinstance(value, dict):
            return {name: as_lists(part) for name, part in value.items()}
        return list(value) if isinstance(value, tuple) else value

    corpus = {"name": "c", "kind": "meld", "root": "."}
    settings = dataclasses.asdict(read_settings(Configuration, {"corpus": corpus}))
    del settings["corpus"]
    assert as_lists(settings) == fill(make_schema("config"))
