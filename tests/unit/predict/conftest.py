"""Bundles and models shared by the tests of prediction; loading encoders takes seconds."""

import pytest
from made_bundles import make_bundle

from cberl.predict.bundle.load import open_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """Three modalities, a VAE, turns that depend on later ones."""
    return make_bundle(tmp_path_factory.mktemp("bundle") / "vae")


@pytest.fixture(scope="session")
def models(bundle):
    return open_bundle(bundle)


@pytest.fixture(scope="session")
def online_models(tmp_path_factory):
    """Text alone, its features as they are, turns that hear earlier ones alone."""
    folder = tmp_path_factory.mktemp("online") / "text"
    return open_bundle(make_bundle(folder, ("text",), "concat", 0, context_turns=2))
