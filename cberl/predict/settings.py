"""Settings of a run that predicts new conversations."""

from dataclasses import dataclass
from typing import Literal

from cberl.settings import section, setting


@dataclass(frozen=True)
class NewSettings:
    """New conversations and the model that reads them."""

    name: str = setting("Name of the folder under results/.", pattern="^[a-z0-9][a-z0-9_-]*$")
    bundle: str = setting(
        "Folder of a bundle; a relative path starts at the working directory, else at the "
        "project's folder.",
        min_length=1,
    )
    recordings: str = setting(
        "Table of the recordings (tab-separated) with columns name (of the folder of outputs), "
        "recording and transcript, either of which may be empty; found like bundle, and so are "
        "the files that it names.",
        min_length=1,
    )
    columns: dict[str, str | None] = setting(
        "Of recordings that are tables of conversations: as corpus.columns.",
        {},
        additional_properties={"type": ["string", "null"], "minLength": 1},
    )
    encoding: str = setting(
        "Of recordings that are text tables of conversations: as corpus.encoding.",
        "auto",
        min_length=1,
    )
    device: Literal["auto", "cpu", "cuda"] = setting(
        "Where encoders run; auto takes a GPU if the machine has one.", "auto"
    )


@dataclass(frozen=True)
class PredictConfiguration:
    """Every key of a configuration for the target predict. Keys that are not listed are refused."""

    predict: NewSettings = section(NewSettings)
