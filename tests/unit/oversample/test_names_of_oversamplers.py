"""An oversampler's name stands in the configuration, the samplers and the rules: the same there."""

import ast
from typing import get_args, get_type_hints

from cberl.configuration import PROJECT
from cberl.oversample.resample import SAMPLERS
from cberl.train.settings import VariantSettings

RULES = PROJECT / "workflow/rules"


def resampling():
    """The value of RESAMPLING in the rules."""
    text = (RULES / "common.smk").read_text()
    line = next(line for line in text.splitlines() if line.startswith("RESAMPLING = "))
    return ast.literal_eval(line.removeprefix("RESAMPLING = "))


def test_rules_and_configuration_name_every_sampler():
    choices = get_args(get_type_hints(VariantSettings)["oversampler"])
    assert set(resampling()) == {"none", *SAMPLERS}
    assert set(choices) == {*resampling(), "gan"}


def test_no_rule_lists_the_samplers_a_second_time():
    for file in RULES.glob("*.smk"):
        lines = [line for line in file.read_text().splitlines() if "|smote" in line]
        assert lines == [], file.name
