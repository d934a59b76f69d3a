"""Make the demo corpus: short spoken conversations with faces, laid out on disk as MELD is.

Run `python resources/demo/make_demo.py`; it needs espeak-ng, NumPy, Pillow and PyAV. The same
machine and the same versions give the same bytes each time.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from face import EXPRESSIONS, HEIGHT, WIDTH, Looks, draw_frames
from voice import PROSODY, RATE, Voice, loudness, speak

SEED = 20
HERE = Path(__file__).resolve().parent
CLIP_FOLDERS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
COLUMNS = (
    "Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID",
    "Season", "Episode", "StartTime", "EndTime",
)  # fmt: skip
# Chance that the sentence, the voice and the face show the emotion of an utterance.
SHOWN = {"text": 0.50, "audio": 0.66, "video": 0.52}
MISLEADING = 0.14  # chance that a calm voice or a calm face shows some other emotion
STRENGTH = {"audio": (0.6, 1.0), "video": (0.35, 0.95)}  # of what is shown, from and to
DIALOGUES_AN_EPISODE = 6
FRAME_RATES = (Fraction(24000, 1001), Fraction(25))
# Layout of the sound, its share of the clips, samples and bits a second.
SOUNDS = (
    ("5.1", 0.25, 48_000, 96_000),
    ("stereo", 0.3, 48_000, 48_000),
    ("mono", 0.45, 22_050, 32_000),
)
# One thread and no assembler: x264's fast paths do not give the same bytes on each run.
VIDEO_OPTIONS = {"crf": "27", "threads": "1", "x264-params": "asm=0"}
DATA_STREAM_SHARE = 0.1  # of the clips that carry a stray data stream

# Faults on purpose, by split, dialogue and utterance.
MISSING = ("train", 4, 3)  # a row without a clip
TRUNCATED = ("train", 0, 3)  # the end of the file is cut off, and its moov atom with it
SILENT = ("train", 8, 1)  # digital zero
SHORT = ("test", 5, 3)  # 0.2 s
SHORT_SECONDS = 0.2
WITHOUT_ROW = ("test", 12, 0)  # a clip that no row names
DOT_UNDERSCORE = bytes.fromhex("00051607000200004d6163204f532058")

SPEAKERS = {
    "Nora": (
        Voice("en-us+f2", 52),
        Looks((232, 190, 160), (70, 42, 28), (70, 90, 140), (70, 45, 30), True, 36),
    ),
    "Ben": (
        Voice("en-gb+m3", 34),
        Looks((224, 176, 140), (40, 32, 30), (120, 60, 50), (60, 60, 40), False, 39),
    ),
    "Iris": (
        Voice("en-gb-scotland+f4", 46),
        Looks((198, 146, 110), (28, 20, 18), (80, 120, 90), (45, 28, 20), True, 36),
    ),
    "Omar": (
        Voice("en-us+m7", 28),
        Looks((176, 124, 90), (22, 18, 18), (160, 150, 120), (40, 25, 18), False, 38),
    ),
}


@dataclass(frozen=True)
class Turn:
    """One utterance as the scenes give it; `plain` is its sentence without the emotion."""

    split: str
    dialogue: int
    utterance: int
    speaker: str
    emotion: str
    sentiment: str
    sentence: str
    plain: str

    @property
    def key(self) -> tuple[str, int, int]:
        """Split, dialogue and utterance."""
        return self.split, self.dialogue, self.utterance

    @property
    def clip(self) -> Path:
        """Where the clip lies, from the root of the corpus."""
        return Path(CLIP_FOLDERS[self.split]) / f"dia{self.dialogue}_utt{self.utterance}.mp4"


@dataclass(frozen=True)
class Performance:
    """What one clip says, sounds like and shows."""

    sentence: str
    voice_emotion: str
    voice_strength: float
    face_emotion: str
    face_strength: float


def read_scenes(path: Path) -> list[Turn]:
    """Parse the scenes; the head of the file describes its format."""
    turns: list[Turn] = []
    dialogues: Counter[str] = Counter()
    split, dialogue, position, gap, utterance = "", -1, 0, -1, 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            split, *options = line.strip("[]").split()
            if split not in CLIP_FOLDERS:
                raise ValueError(f"{path.name}:{number}: unknown split {split!r}")
            values = dict(option.split("=") for option in options)
            utterance, gap = int(values.get("first", 0)), int(values.get("gap", -1))
            dialogue, position = dialogues[split], 0
            dialogues[split] += 1
            continue
        speaker, emotion, sentences = line.split(" ", 2)
        if speaker not in SPEAKERS or emotion.rstrip("+") not in PROSODY:
            raise ValueError(f"{path.name}:{number}: expected a speaker and an emotion: {line!r}")
        utterance += position == gap
        sentence, _, plain = sentences.partition(" | ")
        label = emotion.rstrip("+")
        turns.append(
            Turn(split, dialogue, utterance, speaker, label, sentiment(emotion), sentence, plain)
        )
        position, utterance = position + 1, utterance + 1
    return turns


def sentiment(emotion: str) -> str:
    """Sentiment of an emotion as the scenes write it."""
    if emotion == "neutral":
        return "neutral"
    return "positive" if emotion in ("joy", "surprise+") else "negative"


def choose_performance(turn: Turn, rng: np.random.Generator) -> Performance:
    """Decide which modalities show the emotion: each at times, at least one always."""
    chances = np.array(list(SHOWN.values()))
    shown = rng.random(len(chances)) < chances
    while not shown.any():
        shown = rng.random(len(chances)) < chances
    in_text, in_voice, in_face = shown
    others = [emotion for emotion in PROSODY if emotion not in ("neutral", turn.emotion)]
    acted: list[tuple[str, float]] = []
    for visible, strength in zip((in_voice, in_face), STRENGTH.values(), strict=True):
        emotion = turn.emotion if visible else "neutral"
        if emotion == "neutral" and rng.random() < MISLEADING:
            emotion = str(rng.choice(others))
        acted.append((emotion, float(rng.uniform(*strength))))
    sentence = turn.sentence if in_text or not turn.plain else turn.plain
    return Performance(sentence, *acted[0], *acted[1])


def render(
    performance: Performance, speaker: str, fps: Fraction, rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Sound (float32 [samples] at RATE) and frames (uint8 [H, W, 3] each) of one clip."""
    voice, looks = SPEAKERS[speaker]
    calm, moved = PROSODY["neutral"], PROSODY[performance.voice_emotion]
    prosody = calm.towards(moved, performance.voice_strength)
    habit = Voice(voice.name, voice.pitch + int(rng.integers(-6, 7)))
    sound = speak(performance.sentence, habit, prosody, rng)
    pose = EXPRESSIONS[performance.face_emotion].scaled(performance.face_strength)
    frames = draw_frames(looks, pose, loudness(sound, float(fps)), float(fps), rng)
    return sound, frames


def to_channels(sound: np.ndarray, layout: str, rng: np.random.Generator) -> np.ndarray:
    """Float32 [channels, samples]; in 5.1 the voice is in the centre, faint hiss on the sides."""
    if layout == "5.1":
        channels = rng.normal(0, 3e-4, size=(6, len(sound))).astype(np.float32)
        channels[2] = sound
        channels[3] = 0
        return channels
    if layout == "stereo":
        return np.stack([sound, 0.8 * sound])
    return sound[None, :]


def write_clip(
    path: Path,
    sound: np.ndarray,
    frames: list[np.ndarray],
    fps: Fraction,
    with_data: bool,
    audio: tuple[str, float, int, int],
    rng: np.random.Generator,
) -> None:
    """Encode one H.264 and AAC clip, with a stray data stream if asked."""
    layout, _, rate, bits = audio
    with av.open(path, "w", options={"fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=fps, options=VIDEO_OPTIONS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        voice = container.add_stream("aac", rate=rate, layout=layout)
        voice.bit_rate = bits
        data = container.add_data_stream("bin_data") if with_data else None
        for pixels in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode())
        channels = np.ascontiguousarray(to_channels(sound, layout, rng), dtype=np.float32)
        block = av.AudioFrame.from_ndarray(channels, format="fltp", layout=layout)
        block.sample_rate = RATE
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate, frame_size=1024)
        position = 0
        for piece in [*resampler.resample(block), *resampler.resample(None)]:
            piece.pts, piece.time_base = position, Fraction(1, rate)
            position += piece.samples
            container.mux(voice.encode(piece))
        container.mux(voice.encode())
        if data is not None:
            packet = av.Packet(b"\x00\x00\x00\x04demo")
            packet.stream, packet.pts, packet.dts = data, 0, 0
            packet.time_base = Fraction(1, 1000)
            container.mux(packet)


def make_clip(root: Path, turn: Turn, order: int) -> tuple[str, float]:
    """Make the clip of one turn; its sentence and its length in seconds."""
    rng = np.random.default_rng([SEED, order])
    performance = choose_performance(turn, rng)
    fps = FRAME_RATES[int(rng.integers(2))]
    audio = SOUNDS[int(rng.choice(len(SOUNDS), p=[share for _, share, _, _ in SOUNDS]))]
    with_data = bool(rng.random() < DATA_STREAM_SHARE)
    sound, frames = render(performance, turn.speaker, fps, rng)
    if turn.key == SILENT:
        sound = np.zeros_like(sound)
    if turn.key == SHORT:
        sound = sound[: int(SHORT_SECONDS * RATE)]
        frames = frames[: int(SHORT_SECONDS * fps)]
    path = root / turn.clip
    if turn.key != MISSING:
        write_clip(path, sound, frames, fps, with_data, audio, rng)
    if turn.key == TRUNCATED:
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rindex(b"moov") - 400])
    return performance.sentence, len(sound) / RATE


def clock(seconds: float) -> str:
    """A time as MELD writes it, such as 00:01:02,345."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d},{rest % 1000:03d}"


def make_rows(root: Path, turns: list[Turn], first_order: int) -> Iterator[tuple]:
    """Make the clips of one split and yield their rows."""
    time = 0.0
    previous = None
    for number, turn in enumerate(turns, start=1):
        sentence, length = make_clip(root, turn, first_order + number)
        if turn.dialogue != previous:
            time = 12.0 if turn.dialogue % DIALOGUES_AN_EPISODE == 0 else time + 45.0
        previous = turn.dialogue
        start, end = time, time + length
        time = end + 0.25
        episode = turn.dialogue // DIALOGUES_AN_EPISODE + 1
        yield (
            number, sentence, turn.speaker, turn.emotion, turn.sentiment, turn.dialogue,
            turn.utterance, 1, episode, clock(start), clock(end),
        )  # fmt: skip
        if number % 20 == 0 or number == len(turns):
            print(f"{turn.split}: {number} of {len(turns)} utterances", flush=True)


def make_extras(root: Path) -> None:
    """Add what archives hold beside the annotated clips."""
    (root / CLIP_FOLDERS["train"] / "._dia0_utt0.mp4").write_bytes(DOT_UNDERSCORE)
    split, dialogue, utterance = WITHOUT_ROW
    sentence = "This one was left over."
    turn = Turn(split, dialogue, utterance, "Ben", "neutral", "neutral", sentence, "")
    make_clip(root, turn, 0)


def main() -> None:
    """Remake the tables and all clips beside this file."""
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is not on the PATH; install it (Debian: apt install espeak-ng)")
    turns = read_scenes(HERE / "scenes.txt")
    first_order = 0
    for split, folder in CLIP_FOLDERS.items():
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
        of_split = [turn for turn in turns if turn.split == split]
        rows = list(make_rows(HERE, of_split, first_order))
        first_order += len(of_split)
        with open(HERE / f"{split}_sent_emo.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(COLUMNS)
            writer.writerows(rows)
        counts = Counter(turn.emotion for turn in of_split)
        print(f"{split}: " + ", ".join(f"{name} {counts[name]}" for name in PROSODY))
    make_extras(HERE)
    size = sum(path.stat().st_size for path in HERE.rglob("*.mp4"))
    print(f"clips: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
