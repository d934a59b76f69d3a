"""The page of one conversation: the recording beside what was said and predicted."""

import os
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from cberl.corpus.locate import MEDIA_SUFFIXES
from cberl.html_templates import html_templates, read_asset
from cberl.modalities import MODALITIES
from cberl.predict.prediction import Prediction
from cberl.predict.tables import LEAST_CONFIDENCE
from cberl.report.figures import colour

ASSETS = files("cberl.predict.outputs") / "assets"
SHORTEST_MARK = 0.2
"""Least width of a turn on the timeline, in percent of it."""


def render_prediction_page(prediction: Prediction, name: str, folder: Path, root: Path) -> str:
    """Put the page of one conversation together.

    What people said reaches the page through the template's escaping alone. The page needs no
    network and no script to be read; the script plays turns and follows the recording.

    Args:
        prediction: of one conversation.
        folder: where the page will lie; the recording is found from there.
        root: folder that ``media_path`` starts from.
    """
    turns = [_turn(row, folder, root) for row in prediction.turns.to_dict("records")]
    _add_chances(turns, prediction)
    length = max((turn["end"] for turn in turns if turn["end"] is not None), default=0.0)
    environment = html_templates(ASSETS)
    environment.filters["clock"] = clock
    sources = list(dict.fromkeys(turn["source"] for turn in turns if turn["source"]))
    return environment.get_template("conversation.html.j2").render(
        name=name,
        model=prediction.model,
        classes=[
            {"name": emotion, "colour": colour(number)}
            for number, emotion in enumerate(prediction.classes)
        ],
        turns=turns,
        lanes=_lanes(turns, length),
        length=length,
        ticks=_ticks(length),
        source=sources[0] if sources else None,
        sound_only=bool(sources) and _is_sound(sources[0]),
        uncertain=sum(turn["uncertain"] for turn in turns),
        least=round(100 * LEAST_CONFIDENCE),
        style=read_asset(ASSETS, "conversation.css"),
        script=read_asset(ASSETS, "conversation.js"),
    )


def clock(seconds: float | None) -> str:
    """``1:02:03`` or ``2:03``; a dash where there is no time."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    minutes = f"{whole // 60 % 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{minutes:0>5}" if whole >= 3600 else minutes


def to_percent(probability: float) -> int:
    """Rounded, but not up to the bound: what is uncertain is below it on the page too."""
    least = round(100 * LEAST_CONFIDENCE)
    rounded = round(100 * probability)
    return least - 1 if probability < LEAST_CONFIDENCE and rounded == least else rounded


def _turn(row: dict[str, Any], folder: Path, root: Path) -> dict[str, Any]:
    known = {key: None if pd.isna(value) else value for key, value in row.items()}
    missing = [
        f"no {modality} ({str(known[f'{modality}_reason']).replace('_', ' ')})"
        for modality in MODALITIES
        if not known[f"{modality}_available"] and known[f"{modality}_reason"] != "not_requested"
    ]
    return {
        "number": int(known["turn"]),
        "start": known["start_s"],
        "end": known["end_s"],
        "speaker": known["speaker"],
        "text": known["text"],
        "predicted": known["predicted"],
        "percent": to_percent(known["confidence"]),
        "uncertain": bool(known["uncertain"]),
        "remarks": [*missing, *([known["note"]] if known["note"] else [])],
        "source": _source(known["media_path"], folder, root),
        "from": known["media_start_s"] or 0.0,
        "to": known["media_end_s"],
    }


def _is_sound(source: str) -> bool:
    return MEDIA_SUFFIXES.get(Path(source).suffix.lower()) == "audio"


def _source(media_path: str | None, folder: Path, root: Path) -> str | None:
    """The recording's address from the page; None if it is not there."""
    if media_path is None or not (root / media_path).is_file():
        return None
    relative = os.path.relpath((root / media_path).absolute(), folder.absolute())
    return quote(Path(relative).as_posix())


def _add_chances(turns: list[dict[str, Any]], prediction: Prediction) -> None:
    """Each turn's colour, and its emotions from the most to the least probable."""
    for turn, chances in zip(turns, prediction.probabilities, strict=True):
        turn["colour"] = colour(int(chances.argmax()))
        turn["chances"] = [
            {
                "name": prediction.classes[number],
                "percent": to_percent(float(chances[number])),
                "colour": colour(int(number)),
            }
            for number in (-chances).argsort(kind="stable")
        ]


def _lanes(turns: list[dict[str, Any]], length: float) -> list[dict[str, Any]]:
    """The timeline: for each speaker the turns with times, placed in percent of the length."""
    lanes: dict[str, list[dict[str, Any]]] = {}
    for turn in turns:
        own = lanes.setdefault(turn["speaker"], [])
        if turn["start"] is None or turn["end"] is None or not length:
            continue
        width = max(100 * (turn["end"] - turn["start"]) / length, SHORTEST_MARK)
        own.append(turn | {"left": 100 * turn["start"] / length, "width": width})
    return [{"speaker": speaker, "marks": marks} for speaker, marks in lanes.items()]


def _ticks(length: float) -> list[dict[str, Any]]:
    """Round times along the timeline, at most nine."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
    step = next((step for step in steps if length / step <= 8), 14400)
    return [
        {"second": second, "left": 100 * second / length}
        for second in range(0, int(length) + 1, step)
        if length
    ]
