"""Annotation files for further editing: ELAN's and Praat's, by pympi."""

import os
from pathlib import Path

from cberl.predict.outputs.timeline import Tier, lay_on_tiers, without_control
from cberl.predict.prediction import Prediction

PREDICTED, CONFIDENCE, LABEL = "predicted", "confidence", "label"
"""The suffix of a speaker's name in the names of the tiers below theirs."""
VOCABULARY, LANGUAGE = "emotions", "eng"
NO_DATE = "1970-01-01T00:00:00+00:00"
"""Same prediction, same bytes: ELAN requires a date, so it is a fixed one."""
MIME = {".mp4": "video/mp4", ".wav": "audio/x-wav", ".mpg": "video/mpeg", ".mov": "video/quicktime"}


def write_elan(path: Path, prediction: Prediction, name: str, media: str | None) -> None:
    """Write one conversation as an ELAN document (.eaf).

    Each speaker has a tier of texts, and under it tiers with the predicted emotion, its
    probability, and an empty one for the label that a person gives; emotions are chosen from a
    controlled vocabulary of the bundle's classes.

    Args:
        media: path of the recording, if the conversation is of one.
    """
    from pympi import Eaf

    document = Eaf(author="cberl")
    document.adocument["DATE"] = NO_DATE
    document.remove_tier("default")
    document.add_property("conversation", name)
    if media is not None:
        kind = MIME.get(Path(media).suffix.lower(), "unknown")
        relative = Path(os.path.relpath(media, path.parent)).as_posix()
        document.add_linked_file(Path(media).absolute().as_uri(), relative, kind)
    _add_vocabulary(document, prediction.classes)
    for tier in lay_on_tiers(prediction.turns):
        _add_elan_tier(document, tier, prediction)
    document.to_file(str(path))


def _add_vocabulary(document: object, classes: list[str]) -> None:
    document.add_language(LANGUAGE, "http://cdb.iso.org/lg/CDB-00138502-001", "English (eng)")
    document.add_controlled_vocabulary(VOCABULARY)
    document.add_cv_description(VOCABULARY, LANGUAGE, "")
    for number, emotion in enumerate(classes):
        document.add_cv_entry(
            VOCABULARY, f"class{number}", [(without_control(emotion), LANGUAGE, "")]
        )
    plain = {"TIME_ALIGNABLE": "false", "GRAPHIC_REFERENCES": "false"}
    plain |= {"CONSTRAINTS": "Symbolic_Association"}
    for kind, more in (("emotion", {"CONTROLLED_VOCABULARY_REF": VOCABULARY}), ("number", {})):
        document.add_linguistic_type(kind, param_dict={"LINGUISTIC_TYPE_ID": kind, **plain, **more})


def _add_elan_tier(document: object, tier: Tier, prediction: Prediction) -> None:
    speaker = without_control(tier.speaker)
    document.add_tier(tier.name, part=speaker)
    below = {kind: f"{tier.name} {kind}" for kind in (PREDICTED, CONFIDENCE, LABEL)}
    for kind, name in below.items():
        ling = "number" if kind == CONFIDENCE else "emotion"
        document.add_tier(name, ling=ling, parent=tier.name, part=speaker)
    for row, (start, end) in zip(tier.rows, tier.times, strict=True):
        turn = prediction.turns.iloc[row]
        document.add_annotation(tier.name, start, end, without_control(turn["text"]))
    # A reference is found by time; turns that touch share their ends, so not at one.
    for row, (start, end) in zip(tier.rows, tier.times, strict=True):
        turn = prediction.turns.iloc[row]
        middle = (start + end) / 2
        values = {
            PREDICTED: without_control(turn["predicted"]),
            CONFIDENCE: f"{turn['confidence']:.3f}",
        }
        for kind, value in values.items():
            document.add_ref_annotation(below[kind], tier.name, middle, value)


def write_textgrid(path: Path, prediction: Prediction, duration_s: float | None) -> None:
    """Write one conversation as a Praat TextGrid: for each speaker texts and predicted emotions.

    Args:
        duration_s: length of the recording, if it is known.
    """
    from pympi import TextGrid

    tiers = lay_on_tiers(prediction.turns)
    ends = [end for tier in tiers for _, end in tier.times]
    # Praat knows no time of length 0.
    last_s = max([round((duration_s or 0) * 1000), *ends, 1]) / 1000
    grid = TextGrid(xmin=0.0, xmax=last_s)
    for tier in tiers:
        texts = grid.add_tier(tier.name)
        emotions = grid.add_tier(f"{tier.name} {PREDICTED}")
        for row, (start, end) in zip(tier.rows, tier.times, strict=True):
            turn = prediction.turns.iloc[row]
            times = start / 1000, end / 1000
            texts.add_interval(*times, without_control(turn["text"]), check=False)
            emotions.add_interval(*times, without_control(turn["predicted"]), check=False)
    if not tiers:
        grid.add_tier("unknown")
    grid.to_file(str(path))
