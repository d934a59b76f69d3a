"""Settings of the corpus and of decoding."""

from dataclasses import dataclass
from typing import Literal

from cberl.settings import setting


@dataclass(frozen=True)
class CorpusSettings:
    """The conversations."""

    name: str = setting("Name of the folder under results/.", pattern="^[a-z0-9][a-z0-9_-]*$")
    kind: Literal["meld", "iemocap", "table", "features"] = setting(
        "Layout of the corpus on disk; meld, iemocap (both as their archives have them), "
        "table (conversations of your own in one file) or features (features that "
        "somebody already extracted)."
    )
    root: str = setting(
        "Folder of the corpus; a relative path starts at the working directory, else at "
        "the project's folder.",
        min_length=1,
    )
    classes: tuple[str, ...] = setting(
        "Emotions in the order of every table; empty for the ones that the corpus kind defines.",
        (),
        unique_items=True,
        items={"type": "string", "minLength": 1},
    )
    max_unavailable: float = setting(
        "Share of utterances per modality that may be unusable before the run stops (0 to 1).",
        0.2,
        minimum=0,
        maximum=1,
    )
    labels: dict[str, str | None] = setting(
        "Label of the corpus -> its class; null makes its utterances context. Labels that "
        "are not named keep their names.",
        {},
        additional_properties={"type": ["string", "null"], "minLength": 1},
    )
    score_edges: tuple[float, ...] = setting(
        "Edges between corpus.classes for labels that are scores, ascending, one less than "
        "classes ([-0.5, 0.5] for negative, neutral, positive); a score on an edge is in the class "
        "above. Empty for labels that are classes. Kinds table and features.",
        (),
        kinds=("table", "features"),
    )
    label_set: Literal["six", "four"] = setting(
        "Classes of kind iemocap; six (happy, sad, neutral, angry, excited, frustrated) "
        "or four (excited counts as happy, frustrated as context).",
        "six",
        kinds=("iemocap",),
    )
    file: str = setting(
        "The one file of kinds table and features, inside corpus.root.",
        "utterances.tsv",
        kinds=("table", "features"),
        min_length=1,
    )
    columns: dict[str, str | None] = setting(
        "Column of the file -> the name that config/README.md has for it; null leaves a column "
        "out. Kinds table and features.",
        {},
        kinds=("table", "features"),
        additional_properties={"type": ["string", "null"], "minLength": 1},
    )
    encoding: str = setting(
        "Encoding of a text file that is not UTF-8, by Python's name (gbk, cp1251, ...); auto "
        "is UTF-8, or UTF-16 that begins with a byte order mark. Kind table.",
        "auto",
        kinds=("table",),
        min_length=1,
    )
    shared_media: bool = setting(
        "Whether several utterances may name one media file without start and end; each then has "
        "all of it. Kind table.",
        False,
        kinds=("table",),
    )
    split_by: Literal["auto", "dialogue", "speaker", "group"] = setting(
        "What stays together when splits are drawn, and is resampled for intervals: a dialogue, "
        "all dialogues of a speaker, or the rows with one value in the column group. auto takes "
        "the column group if there is one, else the speaker if every dialogue has a single one, "
        "else the dialogue. Kinds table and features.",
        "auto",
        kinds=("table", "features"),
    )
    dev_share: float = setting(
        "Share of the dialogues, speakers or groups drawn for dev where the corpus has no dev "
        "split (0 to 1); kinds iemocap (of Sessions 1 to 4), table and features.",
        0.1,
        kinds=("iemocap", "table", "features"),
        exclusive_minimum=0,
        exclusive_maximum=1,
    )
    test_share: float = setting(
        "Share of the dialogues, speakers or groups drawn for test where the corpus has no split "
        "at all (0 to 1); kinds table and features.",
        0.2,
        kinds=("table", "features"),
        exclusive_minimum=0,
        exclusive_maximum=1,
    )
    split_seed: int = setting(
        "Seed of this draw; kinds iemocap, table and features.",
        0,
        kinds=("iemocap", "table", "features"),
        minimum=0,
    )


@dataclass(frozen=True)
class MediaSettings:
    """How clips are decoded."""

    sample_rate: int = setting(
        "Sampling rate of the sound after the downmix to mono, in Hz.", 16000, minimum=8000
    )
    frames: int = setting("Frames sampled per utterance, evenly in time.", 16, minimum=1)
    frame_size: int = setting("Shorter side of a stored frame, in pixels.", 224, minimum=32)
    faces: bool = setting(
        "Crop each frame to the speaker's face where one is found; false keeps full frames.", True
    )
    time_limit_s: float = setting(
        "Longest that decoding one clip may take, in seconds; a clip that takes longer is "
        "given up.",
        60,
        exclusive_minimum=0,
    )
    memory_limit_mb: int = setting(
        "Most memory that decoding one clip may take, in MB; a clip that asks for more is "
        "given up (Linux only).",
        1000,
        minimum=256,
    )
