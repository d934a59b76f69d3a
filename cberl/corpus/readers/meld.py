"""The reader of MELD: three tables and three folders of clips, as the archive has them.

MELD: Poria et al., "MELD: A Multimodal Multi-Party Dataset for Emotion Recognition in
Conversations", ACL 2019; github.com/declare-lab/MELD.
"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from cberl.corpus.annotations import MELD_CLIP_FOLDERS, find_meld_annotations, meld_folders
from cberl.corpus.assemble import Corpus, assemble_corpus
from cberl.corpus.label_names import rename_labels
from cberl.corpus.readers.text_files import map_control_codes, read_archive_text, read_delimited
from cberl.corpus.readers.times import parse_clock
from cberl.corpus.settings import CorpusSettings
from cberl.errors import InputError
from cberl.modalities import SPLITS

MELD_CLASSES = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
COLUMNS = (
    "Utterance",
    "Speaker",
    "Emotion",
    "Dialogue_ID",
    "Utterance_ID",
    "StartTime",
    "EndTime",
)
LONGEST_UTTERANCE_S = 60.0
"""No clip lasts as long; an annotation that claims more is wrong."""

_CLIP_NAME = re.compile(r"(final_videos_test)?dia(\d+)_utt(\d+)\.mp4", re.IGNORECASE)


def read_meld(settings: CorpusSettings, root: Path) -> Corpus:
    """Read MELD.

    Utterances are keyed by split, dialogue and utterance and ordered by the rank of their number:
    numbers have gaps and need not start at 0. A clip that is not there is named all the same, as
    it would be called: decoding notes that it is missing. Clips without a row are
    counted in the notices.

    Args:
        settings: ``classes`` (empty: MELD's seven emotions), ``labels`` (emotion -> class).
        root: folder of the unpacked archive.

    Raises:
        InputError: see `read_delimited` and `assemble_corpus`; an id that is not a number.
    """
    rows: list[dict[str, Any]] = []
    notices: list[str] = []
    for split, path in zip(SPLITS, find_meld_annotations(root), strict=True):
        rows += sorted(_read_split(split, path, root, notices), key=lambda row: row["rank"])
    frame = pd.DataFrame(rows).drop(columns="rank")
    frame["label"], classes = rename_labels(
        frame["label"], list(settings.classes) or MELD_CLASSES, settings.labels
    )
    return assemble_corpus(frame, classes, notices)


def _read_split(split: str, path: Path, root: Path, notices: list[str]) -> list[dict[str, Any]]:
    folder, clips = find_clips(root, split)
    rows = [
        _read_row(split, f"{path}: line {line}", values)
        for line, values in read_delimited(read_archive_text(path), path, ",", COLUMNS)
    ]
    for row in rows:
        plain = _plain_name(folder, row["rank"])
        row["media_path"], corrected = clips.get(row["rank"], (plain, False))
        if corrected:
            note = "corrected clip taken instead of the plainly named one"
            row["note"] = "; ".join(filter(None, (row["note"], note)))
    left_over = len(clips.keys() - {row["rank"] for row in rows})
    if left_over:
        notices.append(f"{folder}: clips without a row in {path.name}: {left_over}")
    return rows


def _read_row(split: str, where: str, values: dict[str, str]) -> dict[str, Any]:
    dialogue = _number(values["Dialogue_ID"], "Dialogue_ID", where)
    utterance = _number(values["Utterance_ID"], "Utterance_ID", where)
    text = map_control_codes(values["Utterance"]).strip()
    duration, time_note = annotated_duration(values["StartTime"], values["EndTime"])
    notes = [
        "control codes in the text read as cp1252" if text != values["Utterance"].strip() else None,
        "no speaker in the annotation" if not values["Speaker"].strip() else None,
        time_note,
    ]
    return {
        "split": split,
        "dialogue": str(dialogue),
        "utterance": str(utterance),
        "rank": (dialogue, utterance),
        "speaker": map_control_codes(values["Speaker"]).strip() or "unknown",
        "text": text,
        "label": values["Emotion"].strip(),
        "annotated_duration_s": duration,
        "note": "; ".join(filter(None, notes)) or None,
        "where": where,
    }


def find_clips(root: Path, split: str) -> tuple[str, dict[tuple[int, int], tuple[str, bool]]]:
    """List the clips of a split: those of the first folder that has any.

    Test clips named ``final_videos_test…`` are corrected versions of plainly named ones and stand
    in for them. Files of other names (``._…`` among them) are no clips.

    Returns:
        that folder relative to ``root`` (if none has any, the one that the archive has); then
        (dialogue, utterance) -> path relative to ``root``, and whether it is a corrected clip.
    """
    for base in meld_folders(root, split):
        for name in MELD_CLIP_FOLDERS[split]:
            clips = _clips_in(base / name, root)
            if clips:
                return (base / name).relative_to(root).as_posix(), clips
    return MELD_CLIP_FOLDERS[split][0], {}


def unusual_clips(root: Path, split: str) -> tuple[str, list[str]]:
    """List the clips of a split that are not called as an absent one would be.

    Whether a plainly named clip exists changes no note about its utterance.

    Returns:
        the split's folder as of `find_clips`, and paths relative to ``root``.
    """
    folder, clips = find_clips(root, split)
    return folder, sorted(
        path for rank, (path, _) in clips.items() if path != _plain_name(folder, rank)
    )


def _plain_name(folder: str, rank: tuple[int, int]) -> str:
    dialogue, utterance = rank
    return f"{folder}/dia{dialogue}_utt{utterance}.mp4"


def _clips_in(folder: Path, root: Path) -> dict[tuple[int, int], tuple[str, bool]]:
    clips: dict[tuple[int, int], tuple[str, bool]] = {}
    for file in sorted(folder.iterdir()) if folder.is_dir() else []:
        match = _CLIP_NAME.fullmatch(file.name)
        if match:
            key = (int(match[2]), int(match[3]))
            if match[1] or key not in clips:
                clips[key] = (file.relative_to(root).as_posix(), bool(match[1]))
    return clips


def annotated_duration(start: str, end: str) -> tuple[float | None, str | None]:
    """Seconds from start to end as annotated; None with a note where they make no sense.

    Times are ``H:MM:SS,mmm``. Where a digit is missing behind the comma it is the last one: only
    so do the gaps to the next utterance stay as short as they are elsewhere.
    """
    begins, ends = parse_clock(start), parse_clock(end)
    if begins is None or ends is None:
        return None, f"annotated times {start!r} to {end!r} are unreadable"
    duration = round(ends - begins, 3)
    if not 0 < duration <= LONGEST_UTTERANCE_S:
        return None, f"annotated duration of {duration:g} s is absurd"
    return duration, None


def _number(value: str, column: str, where: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value.strip()):
        raise InputError(f"{where}: {column} is {value!r}; expected a whole number")
    return int(value)
