"""JSON Lines and WebVTT."""

import json
import re
from collections.abc import Iterator

import pandas as pd

from cberl.modalities import MODALITIES
from cberl.predict.outputs.timeline import milliseconds, without_control
from cberl.predict.prediction import Prediction
from cberl.report.figures import colour, ink_on

ROUNDED = 6
"""Digits behind the point of numbers in JSON."""


def json_rows(prediction: Prediction) -> Iterator[dict[str, object]]:
    """Each turn as a JSON object; see docs/predict.md for the keys."""
    for position, row in enumerate(prediction.turns.to_dict("records")):
        known = {name: None if pd.isna(value) else value for name, value in row.items()}
        yield {
            **{
                name: _rounded(known[name])
                for name in (
                    *("conversation", "turn", "utterance"),
                    *("start_s", "end_s", "speaker", "text"),
                )
            },
            "predicted": known["predicted"],
            "confidence": round(known["confidence"], ROUNDED),
            "uncertain": bool(known["uncertain"]),
            "entropy": round(known["entropy"], ROUNDED),
            "probabilities": {
                emotion: round(float(chance), ROUNDED)
                for emotion, chance in zip(
                    prediction.classes, prediction.probabilities[position], strict=True
                )
            },
            "available": [name for name in MODALITIES if known[f"{name}_available"]],
            "missing": {
                name: known[f"{name}_reason"]
                for name in MODALITIES
                if not known[f"{name}_available"]
            },
            "note": known["note"],
            "label": known["label"],
            "media_path": known["media_path"],
            **{name: _rounded(known[name]) for name in ("media_start_s", "media_end_s")},
            "audio_path": known["audio_path"],
        }


def _rounded(value: object) -> object:
    return round(value, ROUNDED) if isinstance(value, float) else value


def render_json_lines(prediction: Prediction) -> str:
    """Every turn, one JSON object a line."""
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in json_rows(prediction)]
    return "".join(f"{line}\n" for line in lines)


def render_webvtt(prediction: Prediction) -> str:
    """One conversation as WebVTT: the speaker as voice, the emotion as class of the cue's text.

    Turns without times are in no cue.
    """
    names = css_names(prediction.classes)
    blocks = ["WEBVTT"]
    styles = [
        f"::cue(.{names[emotion]}) {{ color: {ink_on(colour(number))};"
        f" background-color: {colour(number)}; }}"
        for number, emotion in enumerate(prediction.classes)
    ]
    blocks.append("\n".join(["STYLE", *styles]))
    timed = prediction.turns.sort_values(["start_s", "end_s"], kind="stable")
    for row in timed.to_dict("records"):
        times = milliseconds(row["start_s"], row["end_s"])
        if times is None:
            continue
        marks = names[row["predicted"]] + (".uncertain" if row["uncertain"] else "")
        voice = _escape(without_control(row["speaker"]))
        text = _escape(without_control(row["text"]))
        arrow = " --> ".join(map(_clock, times))
        blocks.append(f"{row['turn']}\n{arrow}\n<v {voice}><c.{marks}>{text}</c></v>")
    return "\n\n".join(blocks) + "\n"


def css_names(classes: list[str]) -> dict[str, str]:
    """A name for each class that a style sheet and a cue can hold, no two alike."""
    names: dict[str, str] = {}
    for number, emotion in enumerate(classes):
        name = re.sub(r"[^a-z0-9]+", "-", emotion.lower()).strip("-")
        taken = name in names.values() or name == "uncertain"
        usable = bool(name) and name[0].isalpha() and not taken
        names[emotion] = name if usable else f"class-{number}"
    return names


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(milliseconds_: int) -> str:
    seconds, rest = divmod(milliseconds_, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
