"""The section ``corpus`` of the configuration: keys and defaults depend on the kind."""

import pytest
import yaml
from snakemake.utils import validate

from cberl.configuration import PROJECT, check_settings
from cberl.corpus.readers.read_corpus import READERS
from cberl.errors import InputError

PATH = PROJECT / "workflow/schemas/config.schema.yaml"
SCHEMA = yaml.safe_load(PATH.read_text())
DEALING = {"dev_share": 0.1, "split_seed": 0}
DEFAULTS = {
    "meld": {},
    "iemocap": {"label_set": "six", **DEALING},
    "table": {
        "file": "utterances.tsv",
        "columns": {},
        "encoding": "auto",
        "score_edges": [],
        "shared_media": False,
        "split_by": "auto",
        "test_share": 0.2,
        **DEALING,
    },
    "features": {
        "file": "utterances.tsv",
        "columns": {},
        "score_edges": [],
        "split_by": "auto",
        "test_share": 0.2,
        **DEALING,
    },
}


def settings_of(kind, **keys):
    return {"corpus": {"name": "mine", "kind": kind, "root": "here", **keys}}


def test_every_kind_that_is_offered_can_be_read():
    offered = SCHEMA["properties"]["corpus"]["properties"]["kind"]["enum"]
    assert set(offered) == set(READERS) == set(DEFAULTS)


@pytest.mark.parametrize("kind", DEFAULTS)
def test_a_kind_has_its_own_keys_and_defaults(kind):
    settings = settings_of(kind)
    check_settings(settings, SCHEMA, "mine.yaml")
    validate(settings, str(PATH))
    common = {"name": "mine", "kind": kind, "root": "here", "max_unavailable": 0.2}
    assert settings["corpus"] == common | {"classes": [], "labels": {}} | DEFAULTS[kind]


@pytest.mark.parametrize("kind", DEFAULTS)
def test_a_key_of_another_kind_is_refused(kind):
    keys = {key: value for defaults in DEFAULTS.values() for key, value in defaults.items()}
    for key in keys.keys() - DEFAULTS[kind].keys():
        with pytest.raises(InputError, match=rf"mine\.yaml: key corpus\.{key} belongs to corpus"):
            check_settings(settings_of(kind, **{key: keys[key]}), SCHEMA, "mine.yaml")


@pytest.mark.parametrize("name", ["meld", "iemocap", "table", "features"])
def test_shipped_configurations_fit(name):
    settings = yaml.safe_load((PROJECT / f"config/{name}.yaml").read_text())
    assert settings["corpus"]["kind"] == name
    check_settings(settings, SCHEMA, name)
