"""Classes of settings, JSON schemas and config/README.md say the same."""

import pytest

from cberl.config_reference import list_settings
from cberl.config_schema import (
    PAGE,
    SECTION,
    SOURCES,
    make_schema,
    render_schema,
    render_settings_page,
    schema_path,
)
from cberl.configuration import PROJECT
from cberl.generated_section import read_section


def test_the_page_is_up_to_date():
    reference = read_section(PAGE, SECTION)
    assert reference == render_settings_page().strip(), "run: python -m cberl.config_schema"


@pytest.mark.parametrize("name", SOURCES)
def test_the_schemas_are_made_from_the_classes(name):
    written = schema_path(name).read_text(encoding="utf-8")
    assert written == render_schema(name), "run: python -m cberl.config_schema"


def test_every_setting_is_described_and_has_a_default_or_is_required():
    for name in SOURCES:
        settings = list(list_settings(make_schema(name)))
        assert settings
        for key, _, default, meaning in settings:
            assert meaning.endswith("."), key
            assert default != "`null`", key


def test_every_shipped_configuration_is_listed():
    page = PAGE.read_text(encoding="utf-8")
    for path in (PROJECT / "config").iterdir():
        if path.name != "README.md":
            assert f"({path.name})" in page, path.name


def test_nested_keys_are_joined_by_dots():
    schema = {
        "properties": {
            "a": {"properties": {"b": {"type": "integer", "default": 3, "description": "B."}}}
        }
    }
    assert list(list_settings(schema)) == [("a.b", "integer", "`3`", "B.")]


def test_choices_that_a_pattern_tells_apart_are_said_in_words():
    kinds = {key: kind for key, kind, _, _ in list_settings(make_schema("config"))}
    assert kinds["features.audio.encoder"].endswith(
        "`IS13`, a path that ends in .conf, or a name or path with a / in it"
    )
    assert kinds["features.text.context_turns"] == "`all` or integer"
