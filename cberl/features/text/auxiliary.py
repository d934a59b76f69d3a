"""Labelled texts of another source that fine-tuning sees beside the corpus.

Rare emotions have few utterances in a conversation corpus, and many more in corpora of single
texts. Texts of chosen classes are mixed into the batches of fine-tuning as dialogues of one turn
(intermediate labelled data; Phang et al. 2018, arXiv 1811.01088, here beside the corpus's own
instead of before it).
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cberl.corpus.readers.column_files import read_column_file
from cberl.errors import InputError
from cberl.features.settings import AuxiliarySettings
from cberl.provenance import file_digest, find_path

KEY = "features.text.finetune.auxiliary"


def read_auxiliary(
    settings: AuxiliarySettings, classes: Sequence[str], known: pd.Series
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read the texts whose labels are classes of the corpus.

    Args:
        settings: ``file``, a table with columns text and label, its ``columns`` and ``encoding``
            as of a corpus, and ``labels``, theirs -> class; empty: labels that are classes.
        classes: names by number.
        known: texts of the corpus. The same texts in the table are left out, or dev and test would
            be trained on.

    Returns:
        (frame with columns utterance_id, dialogue_id, turn, speaker, text and ``label``, class
        numbers int64, each text a dialogue; facts: ``file``, ``digest``, ``texts`` by class,
        ``left_out``, how many are texts of the corpus).

    Raises:
        InputError: the file cannot be read, a label is mapped to what is no class, no text is left.
    """
    path = find_path(settings.file)
    file = read_column_file(
        path,
        ("text", "label"),
        (),
        mapping=settings.columns,
        encoding=settings.encoding,
        place=f"{KEY}.",
    )
    table = pd.DataFrame({"text": file.cells["text"], "label": file.cells["label"]}, dtype=object)
    table = table.dropna().reset_index(drop=True)
    _check_labels(settings.labels, classes, table["label"], path)
    labels = settings.labels or {name: name for name in classes}
    table = table[table["label"].isin(labels)]
    number = {name: place for place, name in enumerate(classes)}
    old = _plain(table["text"]).isin(set(_plain(known.dropna())))
    kept = table[~old].reset_index(drop=True)
    if kept.empty:
        raise InputError(
            f"{path}: no text that the corpus has not has a label of {', '.join(labels)}; expected "
            f"some, or {KEY}.labels: {{ITS LABEL: CLASS}}"
        )
    names = [f"auxiliary/{place}" for place in kept.index]
    frame = pd.DataFrame(
        {
            "utterance_id": names,
            "dialogue_id": names,
            "turn": 0,
            "speaker": "",
            "text": kept["text"].to_numpy(dtype=object),
            "label": kept["label"].map(labels).map(number).to_numpy(dtype="int64"),
        }
    )
    facts = {
        "file": path.name,
        "digest": file_digest(path),
        "texts": {
            classes[place]: int(count) for place, count in frame["label"].value_counts().items()
        },
        "left_out": int(old.sum()),
    }
    logging.info(
        "%d texts of %s beside the training split; %d left out, which the corpus has too",
        len(kept),
        path.name,
        facts["left_out"],
    )
    return frame, facts


def _check_labels(
    labels: Mapping[str, str], classes: Sequence[str], found: pd.Series, path: Path
) -> None:
    """Refuse a mapping to what is no class, or of a label that no text has.

    Raises:
        InputError: it is such a one.
    """
    for label, name in labels.items():
        if name not in classes:
            raise InputError(
                f"{KEY}.labels.{label} is {name!r}, no class of the corpus; expected one of "
                f"{', '.join(classes)}"
            )
        if not (found == label).any():
            raise InputError(
                f"{KEY}.labels: no text of {path} has the label {label!r}; found "
                f"{', '.join(sorted(set(found)))}"
            )


def _plain(texts: pd.Series) -> pd.Series:
    """Texts without what does not distinguish them: case and blanks."""
    return texts.astype(str).str.casefold().str.split().str.join(" ")
