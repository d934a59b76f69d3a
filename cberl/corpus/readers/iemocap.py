"""The reader of IEMOCAP: five sessions of two actors, as the full release has them.

IEMOCAP: Busso et al., "IEMOCAP: interactive emotional dyadic motion capture database", Language
Resources and Evaluation 42(4), 2008; sail.usc.edu/iemocap.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cberl.corpus.annotations import find_iemocap_dialogues
from cberl.corpus.assemble import Corpus, assemble_corpus
from cberl.corpus.label_names import rename_labels
from cberl.corpus.readers.text_files import map_control_codes, read_archive_text
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.split import draw_dev
from cberl.errors import InputError

TEST_SESSION = "Ses05"
"""The field tests on Session 5; there is no official dev split."""

SIX_CLASSES = {
    "hap": "happy",
    "sad": "sad",
    "neu": "neutral",
    "ang": "angry",
    "exc": "excited",
    "fru": "frustrated",
}
FOUR_CLASSES = {"hap": "happy", "exc": "happy", "sad": "sad", "neu": "neutral", "ang": "angry"}
LABEL_SETS = {"six": SIX_CLASSES, "four": FOUR_CLASSES}
"""Setting ``label_set`` -> emotion code of the annotation -> class; other codes are context."""

EMOTION_CODES = (*SIX_CLASSES, "fea", "sur", "dis", "oth", "xxx")

_TURN = re.compile(r"(\S+)_([FM]\w+) \[(\d+\.\d+)-(\d+\.\d+)\]:?(.*)")
_EVALUATION = re.compile(r"\[(\d+\.\d+) - (\d+\.\d+)\]\s+(\S+)_([FM]\w+)\s+(\w+)\b.*")


def read_iemocap(settings: CorpusSettings, root: Path) -> Corpus:
    """Read IEMOCAP.

    Session 5 is test; dev is a seeded share of the dialogues of Sessions 1 to 4. Every transcribed
    turn is a row, in the order of its start; turns whose emotion is outside the label set, or that
    are not rated, stay as context without a label. A turn's sound is its sentence file; its picture
    is the half of the dialogue's AVI that shows the speaker. Both are named whether they are there
    or not: decoding notes those that are missing.

    Args:
        settings: ``label_set`` (six, four), ``classes`` (a subset of its classes; empty: all),
            ``labels`` (class -> other class), ``dev_share`` (0 to 1) and ``split_seed``.
        root: folder that holds ``Session1`` to ``Session5``, or the one above it.

    Raises:
        InputError: a file is missing or unreadable; a class is not one of the label set's.
    """
    codes = LABEL_SETS[settings.label_set]
    classes = list(settings.classes) or list(dict.fromkeys(codes.values()))
    for name in classes:
        if name not in codes.values():
            raise InputError(
                f"corpus.classes: {name!r} is not in label set {settings.label_set}; expected "
                f"some of {', '.join(dict.fromkeys(codes.values()))}"
            )
    rows = []
    for transcription, evaluation in find_iemocap_dialogues(root):
        rows += _read_dialogue(transcription, evaluation, root)
    frame = pd.DataFrame(rows)
    labels = frame.pop("emotion").map(codes)
    frame["label"], classes = rename_labels(
        labels.where(labels.isin(classes), None), classes, settings.labels
    )
    frame["split"] = draw_dev(frame, settings.dev_share, settings.split_seed)
    return assemble_corpus(frame, classes)


def speaker_of(dialogue: str, utterance: str) -> str:
    """Name an actor: sessions have two each, and no actor is in two sessions.

    The utterance's letter is the speaker; the dialogue's is only who wears the markers.
    """
    return f"{dialogue[:5]}_{utterance[0]}"


def half_of(dialogue: str, utterance: str) -> str:
    """The half of the picture that shows the speaker.

    The actor who wears the markers, named by the dialogue's letter, sits on the left.
    """
    return "left" if dialogue[5] == utterance[0] else "right"


def _read_dialogue(transcription: Path, evaluation: Path, root: Path) -> list[dict[str, Any]]:
    dialogue = transcription.stem
    session = transcription.parent.parent.parent.relative_to(root)
    avi = session / "dialog/avi/DivX" / f"{dialogue}.avi"
    wavs = session / "sentences/wav" / dialogue
    emotions = dict(_read_evaluation(evaluation))
    turns = list(_read_transcription(transcription))
    turns += _untranscribed(emotions, turns)
    rows = []
    for utterance, start, end, text, where in sorted(turns, key=lambda turn: turn[1]):
        notes = [
            "not transcribed" if text is None else None,
            "annotated times are reversed" if end < start else None,
        ]
        rows.append(
            {
                "split": "test" if dialogue.startswith(TEST_SESSION) else "train",
                "dialogue": dialogue,
                "utterance": utterance,
                "speaker": speaker_of(dialogue, utterance),
                "text": text or "",
                "emotion": emotions.get(utterance, (None,))[0],
                "media_path": avi.as_posix(),
                "media_start_s": start,
                "media_end_s": end,
                "media_crop": half_of(dialogue, utterance),
                "audio_path": (wavs / f"{dialogue}_{utterance}.wav").as_posix(),
                "annotated_duration_s": round(end - start, 4) if start < end else None,
                "note": "; ".join(filter(None, notes)) or None,
                "where": where,
            }
        )
    return rows


def _read_transcription(path: Path) -> Iterator[tuple[str, float, float, str, str]]:
    """Yield name, start and end in seconds, text and place of each turn."""
    turns, others = 0, 0
    for number, line in enumerate(read_archive_text(path).split("\n"), start=1):
        match = _TURN.fullmatch(line.strip())
        if match and match[1] == path.stem:
            turns += 1
            text = map_control_codes(match[5]).strip()
            yield match[2], float(match[3]), float(match[4]), text, f"{path}: line {number}"
        elif line.strip():
            others += 1
    if not turns:
        raise InputError(f"{path}: has no turn; expected lines like '{path.stem}_F000 [1.0-2.0]:'")
    if others:
        logging.warning("%s: %d lines without an id and times are no turns", path, others)


def _read_evaluation(path: Path) -> Iterator[tuple[str, tuple[str, float, float, str]]]:
    """Yield name of each rated turn with its emotion code, start, end and place."""
    for number, line in enumerate(read_archive_text(path).split("\n"), start=1):
        if not line.startswith("["):
            continue
        where = f"{path}: line {number}"
        match = _EVALUATION.fullmatch(line.strip())
        if match is None or match[3] != path.stem:
            raise InputError(
                f"{where}: unreadable; expected '[start - end] {path.stem}_F000 emotion'"
            )
        if match[5] not in EMOTION_CODES:
            raise InputError(
                f"{where}: emotion {match[5]!r}; expected one of {', '.join(EMOTION_CODES)}"
            )
        yield match[4], (match[5], float(match[1]), float(match[2]), where)


def _untranscribed(
    emotions: Mapping[str, tuple[str, float, float, str]], turns: Sequence[tuple]
) -> list[tuple[str, float, float, None, str]]:
    """Rated turns that the transcription lacks."""
    transcribed = {turn[0] for turn in turns}
    return [
        (name, start, end, None, where)
        for name, (_, start, end, where) in emotions.items()
        if name not in transcribed
    ]
