"""Corrected labels as a corpus of kind table, for the next training."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from cberl.artifacts import write_text
from cberl.corpus.discovery.discovered import modalities_of
from cberl.corpus.readers.column_files import read_column_file
from cberl.errors import InputError
from cberl.predict.outputs.annotation_files import LABEL
from cberl.predict.outputs.write_outputs import file_names, whole_folder

KEY, SAID = ("conversation", "turn"), ("speaker", "text")
MEDIA = ("media_path", "media_start_s", "media_end_s", "audio_path")
COLUMNS = ("dialogue", "utterance", "speaker", "text", "label", "media", "start", "end", "audio")
LINKED = ("media", "audio")
TABLE = "utterances.tsv"
CORRECTED_SUFFIXES = (".jsonl", ".parquet", ".eaf")


def write_corrected(files: Sequence[Path], folder: Path) -> list[Path]:
    """Turn outputs of prediction in which a person set labels into a corpus.

    Turns without a label stay as context: they are in the conversation, and no loss is taken
    over them. Recordings are linked, not copied.

    Args:
        files: ``turns.jsonl`` or ``turns.parquet`` with their column ``label`` filled in, or ELAN
            documents with annotations on the tiers that end in "label".
        folder: new or empty.

    Returns:
        ``utterances.tsv``, the links under ``media``, and ``config.yaml``, with which a run reads
        them.

    Raises:
        InputError: a file cannot be read, none of the turns has a label, a conversation is in two
            files, a recording is missing.
    """
    rows: list[dict[str, Any]] = []
    owners: dict[str, Path] = {}
    for file in files:
        own = list(_read(file))
        for conversation in dict.fromkeys(row["dialogue"] for row in own):
            if conversation in owners:
                raise InputError(
                    f"{file}: conversation {conversation!r} is in {owners[conversation]} too;"
                    " expected each in one file"
                )
            owners[conversation] = file
        rows += own
    if not any(row["label"] for row in rows):
        names = ", ".join(map(str, files))
        raise InputError(f"{names}: no turn has a label; expected {LABEL} to be set in some")
    media = _media_names(rows)
    with whole_folder(folder) as part:
        for path, name in media.items():
            link = part / name
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(Path(path).absolute())
        linked = [row | {key: media.get(row[key] or "", "") for key in LINKED} for row in rows]
        write_text(part / TABLE, _render(linked))
        write_text(part / "config.yaml", _configuration(folder, rows))
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


def count_labels(folder: Path) -> dict[str, int]:
    """How many turns of a corpus that `write_corrected` wrote have each label, in its order."""
    labels = read_column_file(folder / TABLE, (), (LABEL,), missed=()).cell(LABEL)
    return dict(sorted(Counter(label for label in labels if label).items()))


def _read(file: Path) -> Iterator[dict[str, Any]]:
    if not file.is_file():
        raise InputError(f"{file}: no such file; expected an output of cberl predict")
    suffix = file.suffix.lower()
    if suffix not in CORRECTED_SUFFIXES:
        expected = ", ".join(CORRECTED_SUFFIXES)
        raise InputError(f"{file}: ends in {suffix!r}; expected {expected}")
    return _read_elan(file) if suffix == ".eaf" else _read_columns(file)


def _read_columns(file: Path) -> Iterator[dict[str, Any]]:
    table = read_column_file(file, KEY, (*SAID, LABEL, *MEDIA), missed=())
    columns = {name: table.cell(name) for name in (*KEY, *SAID, LABEL, *MEDIA)}
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        yield {
            "dialogue": row["conversation"],
            "utterance": row["turn"],
            "speaker": row["speaker"],
            "text": row["text"],
            "label": row[LABEL],
            "media": row["media_path"],
            "start": row["media_start_s"],
            "end": row["media_end_s"],
            "audio": row["audio_path"],
        }


def _read_elan(file: Path) -> Iterator[dict[str, Any]]:
    from pympi import Eaf

    try:
        document = Eaf(str(file), suppress_version_warning=True)
    except Exception as error:  # whatever the library makes of a file that is none of ELAN's
        raise InputError(f"{file}: is no ELAN document ({error}); expected .eaf") from None
    name = dict(document.get_properties()).get("conversation") or file.stem
    linked = document.get_linked_files()
    media = _linked_path(file, linked[0]) if linked else None
    turns = []
    for tier in document.get_tier_names():
        facts = document.get_parameters_for_tier(tier)
        if facts.get("PARENT_REF"):
            continue
        labels = _labels_of(document, tier)
        speaker = facts.get("PARTICIPANT") or tier
        for start, end, text in document.get_annotation_data_for_tier(tier):
            turns.append((start, end, speaker, text, labels.get((start, end))))
    for number, (start, end, speaker, text, label) in enumerate(sorted(turns, key=lambda t: t[:2])):
        yield {
            "dialogue": name,
            "utterance": number,
            "speaker": speaker,
            "text": text,
            "label": label,
            "media": media,
            "start": start / 1000,
            "end": end / 1000,
            "audio": None,
        }


def _labels_of(document: Any, tier: str) -> dict[tuple[int, int], str]:
    """(start, end) in milliseconds -> label, of a speaker's tier."""
    own = f"{tier} {LABEL}"
    if own not in document.get_tier_names():
        return {}
    found = document.get_ref_annotation_data_for_tier(own)
    return {(start, end): value.strip() for start, end, value, *_ in found if value.strip()}


def _linked_path(file: Path, linked: dict[str, str]) -> str:
    """Where an ELAN document's recording lies: beside it first, since folders are moved."""
    relative = linked.get("RELATIVE_MEDIA_URL")
    if relative and (file.parent / relative).is_file():
        return str((file.parent / relative).resolve())
    return unquote(urlparse(linked["MEDIA_URL"]).path)


def _media_names(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Recording -> path of its link in the corpus."""
    paths = list(dict.fromkeys(row[key] for row in rows for key in LINKED if row[key]))
    for path in paths:
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file; expected the recording where it was")
    names = file_names([Path(path).name for path in paths]) if _apart(paths) else {}
    return {
        path: f"media/{names.get(Path(path).name) or f'{number}{Path(path).suffix}'}"
        for number, path in enumerate(paths)
    }


def _apart(paths: Sequence[str]) -> bool:
    """Whether the names of recordings are unique without their folders."""
    return len({Path(path).name for path in paths}) == len(paths)


def _render(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {name: "" if row[name] is None else row[name] for name in COLUMNS}
        writer.writerow({name: " ".join(str(cell).split()) for name, cell in cells.items()})
    return text.getvalue()


def _configuration(folder: Path, rows: Sequence[dict[str, Any]]) -> str:
    import yaml

    name = "".join(sign if sign.isalnum() else "-" for sign in folder.name.lower()).strip("-")
    corpus = {
        "name": name if name.isascii() and name else "corrected",
        "kind": "table",
        "root": str(folder.absolute()),
        "file": TABLE,
    }
    texts = ["text"] if any(row["text"] for row in rows) else []
    media = modalities_of({Path(row[key]).suffix for row in rows for key in LINKED if row[key]})
    content = {"corpus": corpus, "modalities": [*texts, *media]}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
