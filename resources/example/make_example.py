"""Make the example recording: one conversation in one file, and its subtitles.

Run `python resources/example/make_example.py`; it needs what `resources/demo/make_demo.py` needs,
whose voices and faces it borrows. No sentence of it is in the demo corpus.
"""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "demo"))

from make_demo import Performance, render, write_clip  # noqa: E402
from voice import RATE  # noqa: E402

SEED, FPS, PAUSE_S = 7, Fraction(25), 0.6
SOUND = ("mono", 1.0, 22_050, 32_000)
SCENE = (
    ("Nora", "neutral", "Is that parcel for me?"),
    ("Ben", "neutral", "It came with the morning post."),
    ("Nora", "surprise", "Oh, the concert tickets are here already!"),
    ("Ben", "joy", "Great, I have been waiting for this all year!"),
    ("Nora", "neutral", "Let me see which seats we have."),
    ("Nora", "anger", "They sent us the wrong date!"),
    ("Ben", "sadness", "We will miss it, then."),
    ("Nora", "neutral", "I will write to them now."),
    ("Ben", "fear", "What if nobody answers?"),
    ("Nora", "joy", "They answered, and we may come tomorrow!"),
)


def main() -> None:
    """Write tickets.mp4 and tickets.srt beside this file."""
    rng = np.random.default_rng(SEED)
    sounds, pictures, subtitles, time_s = [], [], [], 0.0
    for number, (speaker, emotion, sentence) in enumerate(SCENE, start=1):
        sound, frames = render(Performance(sentence, emotion, 0.9, emotion, 0.9), speaker, FPS, rng)
        seconds = len(frames) / float(FPS)
        end_s = time_s + len(sound) / RATE
        subtitles.append(f"{number}\n{clock(time_s)} --> {clock(end_s)}\n{speaker}: {sentence}\n")
        pause = round(PAUSE_S * FPS)
        length = round((seconds + PAUSE_S) * RATE)
        sounds.append(np.pad(sound[:length], (0, max(0, length - len(sound)))))
        pictures += frames + [frames[-1]] * pause
        time_s += seconds + PAUSE_S
    sound = np.concatenate(sounds)
    write_clip(HERE / "tickets.mp4", sound, pictures, FPS, False, SOUND, rng)
    (HERE / "tickets.srt").write_text("\n".join(subtitles), encoding="utf-8")


def clock(seconds: float) -> str:
    """A time as SubRip writes it, such as 00:01:02,345."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d},{rest % 1000:03d}"


if __name__ == "__main__":
    main()
