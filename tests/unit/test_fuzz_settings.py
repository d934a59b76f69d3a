"""Configurations and safetensors files that are almost right are taken, or refused in one line."""

import json

import numpy as np
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from mangled import FUZZ, changed_settings, files_like, only_documented_errors

from cberl.artifacts import read_tensors, write_tensors
from cberl.config_schema import make_schema
from cberl.configuration import check_settings
from cberl.digests import NO_DIGEST, put_digest
from cberl.provenance import PROJECT

SCHEMA = make_schema("config")
DEMO = yaml.safe_load((PROJECT / "config/config.yaml").read_text(encoding="utf-8"))


@FUZZ
@given(settings=changed_settings(DEMO))
def test_a_configuration_is_taken_or_refused(settings):
    with only_documented_errors():
        check_settings(settings, SCHEMA, "my.yaml")


def whole_model(folder):
    path = folder / "whole.safetensors"
    if not path.exists():
        origin = {"rule": "fit_gan", "inputs": {}}
        write_tensors(path, "gan", {"w": np.ones((3, 2))}, origin, {"classes": ["joy"]})
    return path.read_bytes()


@FUZZ
@given(data=st.data())
def test_a_model_is_read_or_refused(tmp_path, data):
    path = tmp_path / "gan.safetensors"
    path.write_bytes(data.draw(files_like(whole_model(tmp_path))))
    with only_documented_errors():
        read_tensors(path, "gan")


HEADERS = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=9), st.sampled_from(["F32", NO_DIGEST])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["__metadata__", "cberl", "cberl_digest", "w", "dtype", "shape"]), inner
        ),
    ),
    max_leaves=12,
)


@FUZZ
@example({"__metadata__": None, "cberl_digest": NO_DIGEST}, b"", 0)
@example({"__metadata__": {"cberl_digest": NO_DIGEST, "cberl": "[]"}}, b"", 0)
@example({"__metadata__": {"cberl_digest": NO_DIGEST, "cberl": "[" * 5000}}, b"", 0)
@given(header=HEADERS, rest=st.binary(max_size=30), claimed=st.integers(-3, 1 << 62))
def test_a_header_of_any_content_is_read_or_refused(tmp_path, header, rest, claimed):
    """With a digest that fits, so that what is behind it is reached."""
    path = tmp_path / "gan.safetensors"
    encoded = json.dumps(header).encode()
    length = claimed if claimed > 1 << 20 else len(encoded) + claimed % 2
    path.write_bytes(length.to_bytes(8, "little") + encoded + rest)
    with only_documented_errors():
        put_digest(path)
    with only_documented_errors():
        read_tensors(path, "gan")
