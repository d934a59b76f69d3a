"""Every output of a prediction, in a folder that appears whole or not at all."""

import fcntl
import glob
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cberl.artifacts import write_page, write_table, write_text
from cberl.errors import InputError
from cberl.predict.outputs.annotation_files import write_elan, write_textgrid
from cberl.predict.outputs.prediction_page import render_prediction_page
from cberl.predict.outputs.text_outputs import render_json_lines, render_webvtt
from cberl.predict.outputs.timeline import lay_on_tiers
from cberl.predict.prediction import Prediction
from cberl.predict.tables import TURNS

LONGEST_FILE_NAME = 80


def write_outputs(
    folder: str | Path,
    prediction: Prediction,
    root: str | Path,
    provenance: Mapping[str, Any],
    durations: Mapping[str, float | None],
) -> list[Path]:
    """Write ``turns.parquet`` and ``turns.jsonl``, and for each conversation an ELAN document, a
    Praat TextGrid, WebVTT and a page, named after it.

    Args:
        folder: new or empty.
        root: folder that ``media_path`` starts from.
        durations: conversation -> length of its recording in seconds, if it is known.

    Returns:
        The files.

    Raises:
        InputError: the folder holds something already, or cannot be written.
    """
    folder = Path(folder)
    root = Path(root)
    with whole_folder(folder) as part:
        metadata = {"classes": prediction.classes, "bundle": prediction.model}
        write_table(
            part / "turns.parquet",
            TURNS,
            prediction.turns,
            provenance,
            {"probabilities": prediction.probabilities},
            metadata,
        )
        write_text(part / "turns.jsonl", render_json_lines(prediction))
        untimed = {}
        names = file_names([name for name, _ in prediction.conversations()])
        for conversation, own in prediction.conversations():
            base = part / names[conversation]
            paths = own.turns["media_path"].dropna().unique()
            media = str(root / paths[0]) if len(paths) == 1 else None
            write_elan(_with_suffix(base, ".eaf"), own, conversation, media)
            write_textgrid(_with_suffix(base, ".TextGrid"), own, durations.get(conversation))
            write_text(_with_suffix(base, ".vtt"), render_webvtt(own))
            page = render_prediction_page(own, conversation, folder, root)
            write_page(_with_suffix(base, ".html"), page)
            timed = sum(len(tier.rows) for tier in lay_on_tiers(own.turns))
            if timed < len(own.turns):
                untimed[conversation] = len(own.turns) - timed
        if untimed:
            logging.warning(
                "turns without times are in no timeline (ELAN, TextGrid, WebVTT): %d in %d of %d"
                " conversations, first %s",
                sum(untimed.values()),
                len(untimed),
                len(names),
                next(iter(untimed)),
            )
    return sorted(folder.iterdir())


def check_folder(folder: str | Path) -> None:
    """Refuse a folder that outputs cannot go to, before any work is done.

    Raises:
        InputError: it holds something already, is no folder, or cannot be written.
    """
    folder = Path(folder)
    with whole_folder(folder, keep=False):
        pass


@contextmanager
def whole_folder(folder: Path, keep: bool = True) -> Iterator[Path]:
    """Give a temporary folder beside ``folder``; rename it when the block ends well.

    Args:
        keep: whether anything is to stay at all.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; expected a new or empty folder")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"{folder}: is not empty; expected a new or empty folder")
        _remove_left_over(folder.absolute())
        # A name of its own: two writers of one folder must not write into each other's.
        part = folder.absolute().with_name(f".{folder.absolute().name}.{secrets.token_hex(4)}.part")
        made = [parent for parent in part.parents if not parent.exists()]
        part.mkdir(parents=True)
        held = os.open(part, os.O_RDONLY)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); expected a folder that can"
        ) from None
    try:
        with suppress(OSError):  # where the file system has locks
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield part
        if keep:
            part.replace(folder.absolute())
    except OSError as error:
        words = error.strerror or str(error)
        raise InputError(f"{folder}: cannot be written ({words}); nothing was kept") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
        os.close(held)
        if not keep:
            with suppress(OSError):  # another one writes there by now
                for parent in made:
                    parent.rmdir()


def _remove_left_over(folder: Path) -> None:
    """Remove what killed writers of a folder left behind; living ones have theirs locked."""
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.*.part"):
        with suppress(OSError):
            held = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(held)


def file_names(conversations: list[str]) -> dict[str, str]:
    """A file name for each conversation: letters, digits, ``.``, ``-`` and ``_``, no two alike."""
    names: dict[str, str] = {}
    # Not "turns": that is the name of the files with all conversations.
    taken = {"turns"}
    for conversation in conversations:
        base = re.sub(r"[^\w.-]+", "_", conversation).strip("._")[:LONGEST_FILE_NAME]
        base = name = base or "conversation"
        number = 1
        while name.lower() in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name.lower())
        names[conversation] = name
    return names


def _with_suffix(base: Path, suffix: str) -> Path:
    return base.with_name(base.name + suffix)
