"""The profile names rules of the workflow; without SLURM, since a mistake here shows anywhere."""

import re

import yaml
from slurm.run import PROFILE

from cberl.configuration import PROJECT

TEXT = (PROFILE / "config.yaml").read_text()
RULES = {
    name: body
    for path in (PROJECT / "workflow/rules").glob("*.smk")
    for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.M | re.S)
}


def test_grouped_rules_exist_and_need_no_gpu():
    grouped = yaml.safe_load(TEXT)["groups"]
    assert set(grouped) <= set(RULES)
    assert not [rule for rule in grouped if "gpu=" in RULES[rule]]


def test_the_rules_named_for_another_way_to_ask_for_gpus_are_those_with_one():
    named = re.findall(r"^#   (\w+): [&*]gpu", TEXT, re.MULTILINE)
    assert set(named) == {name for name, body in RULES.items() if "gpu=" in body}


def test_every_rule_says_what_memory_and_time_it_needs():
    for name, body in RULES.items():
        if "localrule: True" not in body:
            assert re.search(r"mem_mb=\(?\s*\w+\(", body), name
            assert re.search(r"runtime=\w+\(", body), name
