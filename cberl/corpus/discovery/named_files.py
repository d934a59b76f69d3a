"""Folders of recordings whose names hold speaker and emotion."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cberl.corpus.discovery.discovered import NO_VIDEO, Discovered, modalities_of
from cberl.corpus.label_names import class_order
from cberl.corpus.locate import MEDIA_SUFFIXES
from cberl.corpus.natural_order import natural_key
from cberl.errors import InputError

GROUPS = ("dialogue", "utterance", "speaker", "label", "text", "split")
LEAST_SHARE = 0.8
"""Share of the files whose names must fit a known pattern."""
FEWEST_SPEAKERS = 3
MOST_NAMES = 12


NO_TRANSCRIPT = "there is no transcript: put text into modalities once the table has a column text"


@dataclass(frozen=True)
class Naming:
    """A public corpus's way of naming files: a pattern of the stem, and its codes in words."""

    name: str
    pattern: str
    labels: Mapping[str, str]
    source: str


NAMINGS = (
    Naming(
        "RAVDESS",
        r"0[123]-0[12]-(?P<label>0[1-8])-0[12]-(?P<text>0[12])-0[12]-(?P<speaker>\d\d)",
        {
            **{"01": "neutral", "02": "calm", "03": "happy", "04": "sad"},
            **{"05": "angry", "06": "fearful", "07": "disgust", "08": "surprised"},
        },
        "Livingstone and Russo, PLoS ONE 13(5), 2018",
    ),
    Naming(
        "EmoDB",
        r"(?P<speaker>\d\d)(?P<text>[ab]\d\d)(?P<label>[WLEAFTN])[a-z]",
        {
            **{"W": "anger", "L": "boredom", "E": "disgust", "A": "fear"},
            **{"F": "happiness", "T": "sadness", "N": "neutral"},
        },
        "Burkhardt et al., Interspeech 2005",
    ),
    Naming(
        "CREMA-D",
        r"(?P<speaker>\d{4})_(?P<text>[A-Z]{3})_(?P<label>ANG|DIS|FEA|HAP|NEU|SAD)_(?:LO|MD|HI|XX?)",
        {
            **{"ANG": "anger", "DIS": "disgust", "FEA": "fear"},
            **{"HAP": "happy", "NEU": "neutral", "SAD": "sad"},
        },
        "Cao et al., IEEE Transactions on Affective Computing 5(4), 2014",
    ),
    Naming(
        "TESS",
        r"(?P<speaker>OAF|YAF|OA)_(?P<text>[a-z]+)_"
        r"(?P<label>angry|disgust|fear|happy|neutral|ps|sad)",
        {"ps": "pleasant surprise"},
        "Pichora-Fuller and Dupuis, doi 10.5683/SP2/E8H2MF, 2020",
    ),
    Naming(
        "SAVEE",
        r"(?P<speaker>DC|JE|JK|KL)_(?P<label>a|d|f|h|n|sa|su)\d\d",
        {
            **{"a": "anger", "d": "disgust", "f": "fear", "h": "happiness"},
            **{"n": "neutral", "sa": "sadness", "su": "surprise"},
        },
        "Haq and Jackson, AVSP 2009",
    ),
)


def list_media(folder: Path) -> list[Path]:
    """Media files below a folder, by path, numbers in it in numeric order; not those of macOS
    attributes (``._...``)."""
    return [
        path
        for path in sorted(folder.rglob("*"), key=lambda path: natural_key(path.as_posix()))
        if path.suffix.lower() in MEDIA_SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
    ]


def read_by_pattern(folder: Path, pattern: str) -> Discovered:
    """Read names by the user's own pattern.

    Args:
        pattern: a regular expression that is searched for in each file's path below the folder,
            without its suffix; its named groups are columns, ``speaker`` and ``label`` among them.

    Raises:
        InputError: no regular expression, other groups, no file that fits.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(f"--pattern: {error}; expected a regular expression") from None
    groups = set(compiled.groupindex)
    if not {"speaker", "label"} <= groups <= set(GROUPS):
        raise InputError(
            f"--pattern: has the groups {', '.join(sorted(groups)) or 'none'}; expected "
            f"(?P<speaker>...) and (?P<label>...), and no others but {', '.join(GROUPS)}"
        )
    files = list_media(folder)
    found = {file: compiled.search(_stem(file, folder)) for file in files}
    fitting = {file: match.groupdict() for file, match in found.items() if match}
    if not fitting:
        example = _stem(files[0], folder) if files else "no media file at all"
        raise InputError(f"--pattern: fits none of {len(files)} files in {folder}, first {example}")
    return _discovered(folder, fitting, files, "media files named by --pattern", {})


def recognise_names(folder: Path) -> Discovered | None:
    """Recognise the names of a public corpus, or folders that are named after labels."""
    files = list_media(folder)
    for naming in NAMINGS:
        matches = {file: re.fullmatch(naming.pattern, file.stem) for file in files}
        fitting = {file: match.groupdict() for file, match in matches.items() if match}
        if fitting and len(fitting) >= LEAST_SHARE * len(files):
            what = f"media files named as {naming.name}'s ({naming.source})"
            return _discovered(folder, fitting, files, what, naming.labels)
    return _recognise_folders(folder, files)


def _recognise_folders(folder: Path, files: Sequence[Path]) -> Discovered | None:
    """A folder for each label, as image collections have it."""
    fitting = {
        file: {"label": file.parent.name}
        for file in files
        if file.parent.parent == folder and not file.parent.name.isdecimal()
    }
    labels = {values["label"] for values in fitting.values()}
    if len(labels) < 2 or len(fitting) < len(files) or len(fitting) < 2 * len(labels):
        return None
    what = f"media files in {len(labels)} folders, whose names are taken for labels"
    return _discovered(folder, fitting, files, what, {})


def _discovered(
    folder: Path,
    fitting: Mapping[Path, Mapping[str, str | None]],
    files: Sequence[Path],
    what: str,
    labels: Mapping[str, str],
) -> Discovered:
    rows = list(_rows(folder, fitting, labels))
    remarks = []
    if len(fitting) < len(files):
        left = next(file for file in files if file not in fitting)
        remarks.append(
            f"media files with other names are left out: {len(files) - len(fitting)}, first "
            f"{left.relative_to(folder).as_posix()}"
        )
    speakers = {row["speaker"] for row in rows}
    names = class_order(pd.Series([row["label"] for row in rows if row["label"]], dtype=object))
    remarks.append(f"{len(names)} labels: {', '.join(names[:MOST_NAMES])}")
    if speakers == {"unknown"}:
        remarks.append("the speakers are unknown: fill in the column speaker if you know them")
    settings = {}
    if not any(row["split"] for row in rows) and len(speakers) < FEWEST_SPEAKERS:
        settings["split_by"] = "dialogue"
        remarks.append(
            "too few speakers to divide them: recordings are drawn for train, dev and test, and "
            "the same speakers are in all of them"
        )
    suffixes = {file.suffix.lower() for file in fitting}
    modalities = modalities_of(suffixes)
    if "video" not in modalities and any(MEDIA_SUFFIXES[one] == "video" for one in suffixes):
        remarks.append(NO_VIDEO)
    return Discovered(
        what=f"{len(rows)} {what}, {len(speakers)} speaker{'s' if len(speakers) > 1 else ''}",
        kind="table",
        modalities=modalities,
        settings=settings,
        rows=rows,
        remarks=(*remarks, NO_TRANSCRIPT),
    )


def _rows(
    folder: Path, fitting: Mapping[Path, Mapping[str, str | None]], labels: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    for file, values in fitting.items():
        label = values["label"] or ""
        yield {
            "dialogue": values.get("dialogue") or _stem(file, folder).replace("/", "-"),
            "utterance": values.get("utterance") or file.stem,
            "speaker": values.get("speaker") or "unknown",
            "text": "",
            "label": labels.get(label, label),
            "split": values.get("split") or "",
            "media": file.relative_to(folder).as_posix(),
        }


def _stem(file: Path, folder: Path) -> str:
    return file.relative_to(folder).with_suffix("").as_posix()
