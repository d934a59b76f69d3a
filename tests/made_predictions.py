"""A prediction made by hand: every oddity of turns in one conversation."""

from pathlib import Path

import numpy as np
import pandas as pd

from cberl.predict.prediction import Prediction, make_prediction

CLASSES = ["neutral", "joy", "Anger & fear", "joy!"]
MARKUP = "<script>document.title='broken'</script>"
SAID = [
    # start, end, speaker, text, note
    (0.5, 2.0, "Ann", "It's fine.", None),
    (2.0, 3.25, "Ben", 'He said "no" --> & left <b>me</b>.', None),
    (3.0, 4.5, "Ben", MARKUP, "overlaps a turn before it"),
    (4.5, 6.0, MARKUP, "你好, o\x0bdd", None),
    (6.0, 7.5, "unknown", "", None),
    (np.nan, np.nan, "Ann", "Nowhere.", "no times: neither sound nor picture are read"),
]


def make_made_prediction(media: Path | None, conversation: str = "a talk") -> Prediction:
    """Six turns; the second and the fifth are uncertain."""
    count = len(SAID)
    columns = ("start_s", "end_s", "speaker", "text", "note")
    turns = pd.DataFrame(
        {name: values for name, values in zip(columns, zip(*SAID, strict=False), strict=True)}
    )
    has_times = turns["start_s"].notna()
    turns = turns.assign(
        conversation=conversation,
        turn=range(count),
        utterance=[f"{turn:03}" for turn in range(count)],
        media_path=None if media is None else str(media),
        media_start_s=turns["start_s"],
        media_end_s=turns["end_s"],
        audio_path=None,
        text_available=turns["text"] != "",
        text_reason=[None, None, None, None, "empty_text", None],
        audio_available=has_times,
        audio_reason=[None] * (count - 1) + ["empty_window"],
        video_available=False,
        video_reason="not_requested",
    )
    chances = np.full((count, len(CLASSES)), 0.1 / 3)
    chances[np.arange(count), np.arange(count) % len(CLASSES)] = 0.9
    chances[1] = [0.3, 0.4, 0.2, 0.1]
    chances[4] = [0.45, 0.25, 0.2, 0.1]
    model = {
        "corpus": "demo",
        "variant": "cberl",
        "seeds": [0, 1],
        "temperatures": [1.5, 1.2],
        "digest": "0f",
    }
    return make_prediction(turns, np.log(chances), CLASSES, model)
