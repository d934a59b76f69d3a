"""An encoder's folder that is almost right is loaded, or refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_encoders import text_encoder
from mangled import SLOW_FUZZ, VALUES, files_like, only_documented_errors

from cberl.features.text.transformer import load_transformer


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return text_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def whole(encoder):
    return {path.name: path.read_bytes() for path in encoder.iterdir()}


@SLOW_FUZZ
@given(data=st.data())
def test_a_folder_with_a_mangled_file_is_loaded_or_refused(encoder, whole, data):
    name = data.draw(st.sampled_from(sorted(whole)))
    (encoder / name).write_bytes(data.draw(files_like(whole[name])))
    try:
        with only_documented_errors():
            load_transformer(str(encoder))
    finally:
        (encoder / name).write_bytes(whole[name])


@SLOW_FUZZ
@given(data=st.data())
def test_a_configuration_with_another_value_is_loaded_or_refused(encoder, whole, data):
    content = json.loads(whole["config.json"])
    key = data.draw(st.sampled_from(sorted(content)))
    content[key] = data.draw(st.one_of(VALUES, st.integers(10**4, 10**15)))
    (encoder / "config.json").write_text(json.dumps(content, default=str))
    try:
        with only_documented_errors():
            load_transformer(str(encoder))
    finally:
        (encoder / "config.json").write_bytes(whole["config.json"])
