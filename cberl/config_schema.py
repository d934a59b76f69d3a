"""The whole configuration, and the files that are made from its classes.

``python -m cberl.config_schema`` rewrites the JSON schemas in workflow/schemas and the reference
in config/README.md; a test compares them with the classes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cberl.artifacts import write_text
from cberl.config_reference import render_reference
from cberl.configuration import PROJECT
from cberl.corpus.settings import CorpusSettings, MediaSettings
from cberl.evaluate.settings import EvaluateSettings
from cberl.features.settings import FeatureSettings
from cberl.fuse.settings import FuseSettings
from cberl.generated_section import replace_section
from cberl.graph.settings import GraphSettings
from cberl.oversample.settings import OversampleSettings
from cberl.predict.settings import PredictConfiguration
from cberl.settings import schema_of, section, setting
from cberl.train.settings import TrainSettings, VariantSettings

PAGE, SECTION = PROJECT / "config/README.md", "reference"
SCHEMAS = PROJECT / "workflow/schemas"


@dataclass(frozen=True)
class Configuration:
    """Every key, its meaning, unit and default. Keys that are not listed here are refused."""

    corpus: CorpusSettings
    modalities: tuple[Literal["text", "audio", "video"], ...] = setting(
        "Modalities that are read; any subset.",
        ("text", "audio", "video"),
        min_items=1,
        unique_items=True,
    )
    seeds: tuple[int, ...] = setting(
        "Seeds of the oversampling, fusion and training; each is a run of its own.",
        (0, 1, 2, 3, 4),
        items={"type": "integer", "minimum": 0},
        min_items=1,
        unique_items=True,
    )
    variants: str = setting(
        "Table of the variants to train and compare; found like corpus.root.",
        "config/variants.tsv",
    )
    shards: int | str = setting(
        "Pieces into which clips, and what is extracted from them, are cut by dialogue, each a "
        "job; auto for one per 500 utterances or so. Text has one per 7,000, but not more.",
        "auto",
        one_of=[{"enum": ["auto"]}, {"type": "integer", "minimum": 1}],
    )
    device: Literal["auto", "cpu", "cuda"] = setting(
        "Where networks run; auto takes a GPU if the machine has one.", "auto"
    )
    tensorboard: bool = setting(
        "Write a TensorBoard event file beside each training history.", False
    )
    media: MediaSettings = section(MediaSettings)
    features: FeatureSettings = section(FeatureSettings)
    oversample: OversampleSettings = section(OversampleSettings)
    fuse: FuseSettings = section(FuseSettings)
    graph: GraphSettings = section(GraphSettings)
    train: TrainSettings = section(TrainSettings)
    evaluate: EvaluateSettings = section(EvaluateSettings)


SOURCES = {
    "config": (Configuration, "Keys of the configuration"),
    "variants": (VariantSettings, "Columns of the variants table"),
    "predict": (PredictConfiguration, "Keys of a configuration for new recordings"),
}
"""Name of a schema -> its class, and the title of its table in the reference."""


def make_schema(name: str) -> dict[str, Any]:
    """The JSON schema of a whole file: ``config``, ``variants`` or ``predict``."""
    of, _ = SOURCES[name]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema_of(of)}


def render_schema(name: str) -> str:
    """The same as YAML, as in workflow/schemas."""
    import yaml

    head = "# Made from the settings classes by: python -m cberl.config_schema\n"
    return head + yaml.safe_dump(make_schema(name), sort_keys=False, width=100, allow_unicode=True)


def schema_path(name: str) -> Path:
    """The file of a schema."""
    return SCHEMAS / f"{name}.schema.yaml"


def render_settings_page() -> str:
    """The reference of all settings, as Markdown."""
    return render_reference({title: make_schema(name) for name, (_, title) in SOURCES.items()})


if __name__ == "__main__":
    for name in SOURCES:
        write_text(schema_path(name), render_schema(name))
    replace_section(PAGE, SECTION, render_settings_page())
