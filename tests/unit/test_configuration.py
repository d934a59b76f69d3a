"""Each mistake in the configuration gives one line that names file, key and what was expected."""

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from cberl.configuration import (
    PROJECT,
    check_context,
    check_encoders,
    check_finetuning,
    check_settings,
    in_order,
    read_typed,
    read_variants,
)
from cberl.errors import InputError
from cberl.features.settings import TextEncoderSettings, TextSettings
from cberl.provenance import find_path

SCHEMAS = PROJECT / "workflow/schemas"
CONFIG_SCHEMA = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text())
VARIANTS_SCHEMA = yaml.safe_load((SCHEMAS / "variants.schema.yaml").read_text())
CORPUS = {"name": "demo", "kind": "meld", "root": "resources/demo"}
HEADER = "variant\toversampler\tfusion\tloss\tdialogue_sampling\tmask_weight\n"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"corpus": CORPUS, "sedes": [1]}, "unknown key sedes; did you mean seeds?"),
        ({"corpus": CORPUS | {"rot": "x"}}, "unknown key corpus.rot; did you mean root?"),
        ({"corpus": CORPUS, "qqqqq": 1}, "unknown key qqqqq; expected one of corpus"),
        ({"corpus": {"name": "demo", "kind": "meld"}}, "key corpus.root is missing"),
        ({}, "key corpus is missing"),
        ({"corpus": CORPUS, "seeds": []}, "seeds is []; expected at least 1 of them"),
        ({"corpus": CORPUS, "seeds": [1.5]}, "seeds.0 is 1.5; expected integer"),
        ({"corpus": CORPUS, "device": "tpu"}, "device is 'tpu'; expected one of auto, cpu, cuda"),
        ({"corpus": CORPUS, "shards": 0}, "shards is 0; expected at least 1"),
        ({"corpus": CORPUS, "seeds": "0"}, "seeds is '0'; expected a list"),
        ({"corpus": CORPUS, "train": None}, "train is None; expected keys and their values"),
        ({"corpus": CORPUS, "train": {"dropout": 2}}, "train.dropout is 2; expected less than 1"),
        ({"corpus": CORPUS, "oversample": {"target": "all"}}, "expected Rows per class"),
    ],
)
def test_a_mistake_is_told_in_one_line(settings, message):
    with pytest.raises(InputError) as caught:
        check_settings(settings, CONFIG_SCHEMA, "my.yaml")
    assert str(caught.value).startswith("my.yaml: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf"])
@pytest.mark.parametrize("key", ["seeds", "train.learning_rate", "corpus.max_unavailable"])
def test_nan_and_infinity_are_refused(key, number):
    value = yaml.safe_load(number)
    section, _, name = key.partition(".")
    settings = {"corpus": CORPUS} | ({} if name else {"seeds": [0, value]})
    if name:
        settings[section] = settings.get(section, {}) | {name: value}
    with pytest.raises(InputError) as caught:
        check_settings(settings, CONFIG_SCHEMA, "my.yaml")
    where = key if name else "seeds.1"
    assert str(caught.value) == f"my.yaml: {where} is {value}; expected a finite number"


@pytest.mark.parametrize("names", ["[yes, no]", "[yes, no, on]", "[calm, off]", "[true]"])
def test_names_that_yaml_takes_for_truth_values_are_told(names):
    settings = yaml.safe_load(f"corpus: {{name: a, kind: table, root: ., classes: {names}}}")
    with pytest.raises(InputError, match=r'unless they stand in quotes \("yes"\)'):
        check_settings(settings, CONFIG_SCHEMA, "my.yaml")


@pytest.mark.parametrize("key", ["0", "yes", "1.5", "null"])
def test_keys_that_are_no_text_are_told(key):
    settings = yaml.safe_load(f"corpus: {{name: a, kind: table, root: ., labels: {{{key}: joy}}}}")
    with pytest.raises(InputError, match=r"key .* of corpus\.labels is no text; expected"):
        check_settings(settings, CONFIG_SCHEMA, "my.yaml")


def test_aliases_that_multiply_are_refused_at_once():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(InputError, match="holds more than 100000 values"):
        check_settings(yaml.safe_load("\n".join(lines)), CONFIG_SCHEMA, "my.yaml")
    with pytest.raises(InputError, match="holds more than 100000 values"):
        check_settings(yaml.safe_load("a: &a [*a]"), CONFIG_SCHEMA, "my.yaml")


def test_settings_come_in_one_order_however_they_are_written():
    written = {"b": [{"y": 1, "x": 2}], "a": {"d": None, "c": "text"}}
    ordered = in_order(written)
    assert ordered == written
    assert str(ordered) == "{'a': {'c': 'text', 'd': None}, 'b': [{'x': 2, 'y': 1}]}"


def with_text(
    pooling="mean", context_turns="all", next_turns=0, future_window=8, modalities=("text",)
):
    text = {"pooling": pooling, "context_turns": context_turns, "next_turns": next_turns}
    return {
        "features": {"text": text},
        "graph": {"future_window": future_window},
        "modalities": list(modalities),
    }


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pooling": "cls"}, "pooling is 'cls', one vector for a whole dialogue; expected mean"),
        ({"future_window": 0}, "see later ones; expected a number of previous turns"),
    ],
)
def test_whole_dialogues_exclude_other_settings(changed, message):
    with pytest.raises(InputError, match=message):
        check_context(with_text(**changed), "my.yaml")
    check_context(with_text(**changed, context_turns=3), "my.yaml")
    check_context(with_text(**changed, modalities=("audio",)), "my.yaml")
    check_context(with_text(), "my.yaml")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "next_turns is 2; expected 0 with .*context_turns: all"),
        ({"context_turns": 3, "future_window": 0}, "next_turns is 2, .* later ones; expected 0"),
    ],
)
def test_later_turns_exclude_other_settings(changed, message):
    with pytest.raises(InputError, match=message):
        check_context(with_text(next_turns=2, **changed), "my.yaml")
    check_context(with_text(next_turns=2, context_turns=3), "my.yaml")


def test_several_text_encoders_exclude_settings_of_the_one():
    one = asdict(TextEncoderSettings())
    text = asdict(TextSettings()) | {"encoders": [one]}
    check_encoders({"features": {"text": text}}, one, "my.yaml")
    text["finetune"] = one["finetune"] | {"enabled": True}
    with pytest.raises(InputError, match=r"features\.text\.finetune is set, but .* in each of"):
        check_encoders({"features": {"text": text}}, one, "my.yaml")
    check_encoders({"features": {"text": text | {"encoders": []}}}, one, "my.yaml")


def with_finetuning(kind, enabled=True, modalities=("text", "audio")):
    return {
        "corpus": {"kind": kind},
        "features": {"text": {"finetune": {"enabled": enabled}}},
        "modalities": list(modalities),
    }


def test_no_encoder_is_trained_for_published_features():
    with pytest.raises(InputError, match=r"^my.yaml: features.text.finetune.enabled is true, but"):
        check_finetuning(with_finetuning("features"), "my.yaml")
    check_finetuning(with_finetuning("features", enabled=False), "my.yaml")
    check_finetuning(with_finetuning("features", modalities=("audio",)), "my.yaml")
    check_finetuning(with_finetuning("table"), "my.yaml")


@pytest.mark.parametrize("name", ["config.yaml", "meld.yaml"])
def test_the_shipped_configurations_are_valid(name):
    settings = yaml.safe_load((PROJECT / "config" / name).read_text())
    check_settings(settings, CONFIG_SCHEMA, name)


def test_the_shipped_variants_are_valid():
    variants = read_variants(PROJECT / "config/variants.tsv", VARIANTS_SCHEMA)
    assert {"baseline", "cberl"} <= set(variants)
    baseline = variants["baseline"]
    assert (baseline["oversampler"], baseline["fusion"]) == ("none", "concat")
    assert (baseline["loss"], baseline["mask_weight"]) == ("cross_entropy", 0)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a\tgam\tvae\tfocal\tuniform\t0\n", "oversampler is 'gam'; expected one of none, random"),
        ("a\tgan\tvae\tfocal\tuniform\tmuch\n", "mask_weight is not a number"),
        (
            "a\tgan\tvae\tfocal\tuniform\tnan\n",
            "row 1: mask_weight is nan; expected a finite number",
        ),
        (
            "a\tgan\tvae\tfocal\tuniform\tinf\n",
            "row 1: mask_weight is inf; expected a finite number",
        ),
        ("a\tgan\tvae\tfocal\tuniform\n", "as many columns as the header"),
        ("a\tgan\tvae\tfocal\tuniform\t0\n" * 2, "row 2: variant a appears twice"),
        ("A b\tgan\tvae\tfocal\tuniform\t0\n", "variant is 'A b'; expected text of the pattern"),
        ("", "no variants"),
    ],
)
def test_a_mistake_in_the_variants_is_told_in_one_line(tmp_path, rows, message):
    path = tmp_path / "variants.tsv"
    path.write_text(HEADER + rows)
    with pytest.raises(InputError) as caught:
        read_variants(path, VARIANTS_SCHEMA)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_variants_out_of_a_spreadsheet_are_read(tmp_path):
    text = "\ufeff" + (HEADER + "a\tgan\tvae\tfocal\tuniform\t0\n").replace("\n", "\r\n")
    (tmp_path / "variants.tsv").write_bytes(text.encode())
    assert read_variants(tmp_path / "variants.tsv", VARIANTS_SCHEMA)["a"]["loss"] == "focal"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER.replace("\t", ",").encode(), "has no column variant, oversampler, .* by tabs"),
        (HEADER.encode() + b"caf\xe9\tgan\tvae\tfocal\tuniform\t0\n", "expected UTF-8"),
    ],
)
def test_variants_in_another_form_are_refused(tmp_path, content, message):
    (tmp_path / "variants.tsv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_variants(tmp_path / "variants.tsv", VARIANTS_SCHEMA)


def test_an_absent_variants_table_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_variants(tmp_path / "none.tsv", VARIANTS_SCHEMA)


def test_paths_start_at_the_working_directory_then_at_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_path("config/config.yaml") == PROJECT / "config/config.yaml"
    Path("config").mkdir()
    Path("config/config.yaml").touch()
    assert find_path("config/config.yaml") == Path("config/config.yaml")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_path("~/config/config.yaml") == tmp_path / "config/config.yaml"
    assert find_path("~/nowhere") == tmp_path / "nowhere"


def test_values_of_the_command_line_get_their_types():
    told = {"seeds": ["3"], "corpus": {"root": "a/b", "max_unavailable": "0.5"}, "shards": 2}
    assert read_typed(told) == {
        "seeds": [3],
        "corpus": {"root": "a/b", "max_unavailable": 0.5},
        "shards": 2,
    }
