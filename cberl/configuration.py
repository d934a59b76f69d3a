"""Checking settings before any job starts, with one line a mistake."""

import csv
import difflib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cberl.errors import InputError
from cberl.provenance import PROJECT

MOST_VALUES = 100_000


def check_settings(settings: Mapping[str, Any], schema: Mapping[str, Any], source: str) -> None:
    """Hold settings against a JSON schema, in which no number may be NaN or infinite.

    Args:
        source: the file or table row that the settings came from, for the message.

    Raises:
        InputError: naming the source, the key and what was expected.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    _check_values(settings, source)
    error = best_match(Draft202012Validator(schema).iter_errors(settings))
    if error is None:
        return
    where = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        key = next(key for key in error.instance if key not in known)
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(known)}"
        raise InputError(f"{source}: unknown key {'.'.join(filter(None, (where, key)))}; {hint}")
    if error.validator == "required":
        key = next(key for key in error.validator_value if key not in error.instance)
        raise InputError(f"{source}: key {'.'.join(filter(None, (where, key)))} is missing")
    if "propertyNames" in error.absolute_schema_path:
        raise InputError(f"{source}: key {where}.{error.instance} {error.schema['description']}")
    wants_text = error.validator == "uniqueItems" or (
        error.validator == "type" and "string" in error.validator_value
    )
    if wants_text and _has_truth_value(error.instance):
        raise InputError(
            f"{source}: {where} is {error.instance!r}; expected text: YAML takes yes, no, on, off, "
            'true and false for truth values unless they stand in quotes ("yes")'
        )
    expected = {
        "enum": f"one of {', '.join(map(str, error.validator_value))}"
        if error.validator == "enum"
        else None,
        "minItems": f"at least {error.validator_value} of them",
        "type": _TYPES.get(str(error.validator_value), f"{error.validator_value}"),
        "uniqueItems": "each of them once",
        "oneOf": " ".join(str(error.schema.get("description", "")).split()),
    }.get(error.validator)
    words = _COMPARED.get(error.validator, error.validator)
    expected = expected or f"{words} {error.validator_value}"
    raise InputError(f"{source}: {where} is {error.instance!r}; expected {expected}")


_TYPES = {"array": "a list", "object": "keys and their values"}
_COMPARED = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
    "pattern": "text of the pattern",
}
"""Words of JSON Schema -> words of a message."""


def _has_truth_value(value: Any) -> bool:
    return any(isinstance(part, bool) for part in (value if isinstance(value, list) else [value]))


def _check_values(settings: Mapping[str, Any], source: str) -> None:
    """Refuse what a schema cannot distinguish from what it allows.

    Raises:
        InputError: a number is NaN or infinite (neither below nor above any bound); a key is no
            text; there are more than `MOST_VALUES` values, which aliases of YAML make possible.
    """
    waiting: list[tuple[str, Any]] = [("", settings)]
    seen = 0
    while waiting:
        where, value = waiting.pop()
        seen += 1
        if seen > MOST_VALUES:
            raise InputError(
                f"{source}: holds more than {MOST_VALUES} values; expected a configuration without "
                "aliases that multiply"
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{source}: {where} is {value}; expected a finite number")
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    raise InputError(
                        f"{source}: key {key!r} of {where or 'the file'} is no text; expected it "
                        f'in quotes ("{key}"), without which YAML takes it for something else'
                    )
        if isinstance(value, Mapping | list):
            parts = value.items() if isinstance(value, Mapping) else enumerate(value)
            waiting += [(f"{where}.{key}" if where else str(key), part) for key, part in parts]


def check_encoders(settings: Mapping[str, Any], defaults: Mapping[str, Any], source: str) -> None:
    """Refuse settings of a single text encoder that several take the place of.

    Args:
        settings: the whole configuration, defaults filled in.
        defaults: of a text encoder.
        source: the file that the settings came from, for the message.

    Raises:
        InputError: there are ``features.text.encoders``, and a key beside them is set.
    """
    text = settings["features"]["text"]
    if not text.get("encoders"):
        return
    for key, default in defaults.items():
        if text.get(key, default) != default:
            raise InputError(
                f"{source}: features.text.{key} is set, but features.text.encoders take the place"
                f" of the one encoder; expected {key} in each of them that it is meant for"
            )


def check_context(settings: Mapping[str, Any], source: str) -> None:
    """Refuse settings of text and graph that exclude each other.

    Args:
        settings: the whole configuration, defaults filled in.
        source: the file that the settings came from, for the message.

    Raises:
        InputError: whole dialogues are to be encoded, but into one vector each, or a number of
            later turns besides; later turns are to be encoded, but the graph is one in which no
            utterance may see them.
    """
    for key, text in _text_encoders(settings):
        if settings["graph"]["future_window"] == 0 and text["next_turns"]:
            raise InputError(
                f"{source}: {key}.next_turns is {text['next_turns']}, with which utterances see"
                " later ones; expected 0 with graph.future_window: 0"
            )
        if text["context_turns"] != "all":
            continue
        if text["next_turns"]:
            raise InputError(
                f"{source}: {key}.next_turns is {text['next_turns']}; expected 0 with"
                f" {key}.context_turns: all, which has all later ones"
            )
        if text["pooling"] != "mean":
            raise InputError(
                f"{source}: {key}.pooling is {text['pooling']!r}, one vector for a whole"
                f" dialogue; expected mean with {key}.context_turns: all"
            )
        if settings["graph"]["future_window"] == 0:
            raise InputError(
                f"{source}: {key}.context_turns is 'all', with which utterances see later"
                " ones; expected a number of previous turns with graph.future_window: 0"
            )


def check_finetuning(settings: Mapping[str, Any], source: str) -> None:
    """Refuse to train a text encoder for features that somebody already extracted.

    Args:
        settings: the whole configuration, defaults filled in.
        source: the file that the settings came from, for the message.

    Raises:
        InputError: the corpus holds features, text's among those that are wanted, and a text
            encoder is to be fine-tuned.
    """
    for key, text in _text_encoders(settings):
        if text["finetune"]["enabled"] and settings["corpus"]["kind"] == "features":
            raise InputError(
                f"{source}: {key}.finetune.enabled is true, but nothing is encoded with"
                " corpus.kind: features; expected false"
            )


def _text_encoders(settings: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Key and section of each text encoder that is used."""
    if "text" not in settings["modalities"]:
        return []
    key, text = "features.text", settings["features"]["text"]
    several = text.get("encoders") or ()
    return [(f"{key}.encoders.{number}", own) for number, own in enumerate(several)] or [
        (key, text)
    ]


def read_variants(path: Path, schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Read the variants table (tab-separated, one variant a row).

    Returns:
        variant name -> its settings, in the order of the table.

    Raises:
        InputError: the file is absent or empty, a row does not fit the schema, a name repeats.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the table of variants")
    try:
        # Spreadsheets put a byte order mark first.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no UTF-8 ({error.reason}); expected UTF-8") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    columns = schema["properties"].items()
    defaults = {name: column["default"] for name, column in columns if "default" in column}
    reader = csv.DictReader(lines, delimiter="\t")
    absent = [name for name in schema["required"] if name not in (reader.fieldnames or ())]
    if lines and absent:
        raise InputError(
            f"{path}: has no column {', '.join(absent)}; expected columns separated by tabs"
        )
    variants: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(reader, start=1):
        source = f"{path}: row {number}"
        if None in row or None in row.values():
            raise InputError(f"{source} does not have as many columns as the header")
        try:
            row = defaults | row | {"mask_weight": float(row.get("mask_weight", ""))}
        except ValueError:
            raise InputError(f"{source}: mask_weight is not a number") from None
        check_settings(row, schema, source)
        if row["variant"] in variants:
            raise InputError(f"{source}: variant {row['variant']} appears twice")
        variants[row["variant"]] = row
    if not variants:
        raise InputError(f"{path}: no variants; expected at least one row under the header")
    return variants


def read_typed(value: Any) -> Any:
    """Turn text at the leaves of dicts and lists into numbers and flags, as YAML reads it."""
    import yaml

    if isinstance(value, Mapping):
        return {key: read_typed(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [read_typed(part) for part in value]
    return yaml.safe_load(value) if isinstance(value, str) else value


def in_order(value: Any) -> Any:
    """The same with the keys of all dicts in alphabetical order.

    Snakemake takes settings in another order for other settings: writing a default down would
    re-run what reads it.
    """
    if isinstance(value, Mapping):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(part) for part in value] if isinstance(value, list) else value


def export_package_path() -> None:
    """Let the Python processes of jobs import this package, installed or not."""
    paths = [str(PROJECT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA GPU; asked before any job, so without importing torch."""
    return Path("/dev/nvidia0").exists()
