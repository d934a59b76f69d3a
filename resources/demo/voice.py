"""Speak the sentences of the demo corpus with espeak-ng and bend the voice to the emotion."""

from __future__ import annotations

import io
import subprocess
import wave
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np

RATE = 48_000  # samples a second of all that leaves this module
LEVEL = 0.085  # root mean square of a calm voice, of 1
LONGEST = 2.25  # seconds; a longer sentence is spoken again, faster


@dataclass(frozen=True)
class Voice:
    """What tells one speaker's voice from another's: an espeak-ng voice and its pitch."""

    name: str
    pitch: int  # espeak-ng's own scale, 0 to 99


@dataclass(frozen=True)
class Prosody:
    """How an emotion sounds; the defaults are the calm voice."""

    pitch: float = 0.0  # added to the speaker's pitch
    span: float = 70.0  # range of the pitch in per cent
    speed: float = 185.0  # words a minute
    gain: float = 0.0  # decibels
    tremble: float = 0.0  # depth of a fast vibrato, in milliseconds of delay
    creak: float = 0.0  # depth of a slow roughness, 0 to 1
    drive: float = 0.0  # overdrive of a shouting voice
    damp: float = 0.0  # how far the high tones are taken out, 0 to 1
    rise: float = 0.0  # how far the pitch climbs towards the end, as a part of itself

    def towards(self, other: Prosody, strength: float) -> Prosody:
        """A voice between this one (0) and another (1)."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Prosody(*(mine + strength * (theirs - mine) for mine, theirs in pairs))


PROSODY: dict[str, Prosody] = {
    "neutral": Prosody(),
    "joy": Prosody(pitch=16, span=170, speed=195, gain=2),
    "surprise": Prosody(pitch=24, span=190, speed=175, gain=2, rise=0.22),
    "anger": Prosody(pitch=2, span=120, speed=215, gain=5, drive=5.0),
    "sadness": Prosody(pitch=-12, span=25, speed=140, gain=-6, damp=0.8),
    "disgust": Prosody(pitch=-18, span=60, speed=150, gain=-1, creak=0.8),
    "fear": Prosody(pitch=26, span=45, speed=220, gain=-4, tremble=0.5, damp=0.2),
}


def call_espeak(sentence: str, voice: Voice, prosody: Prosody, speed: float) -> np.ndarray:
    """Run espeak-ng once; float32 [samples] at RATE, without the silence around the speech."""
    text = escape(sentence.replace("’", "'"))
    markup = f'<speak><prosody range="{prosody.span:.0f}%">{text}</prosody></speak>'
    pitch = int(np.clip(voice.pitch + prosody.pitch, 0, 99))
    command = ["espeak-ng", "-m", "-z", "-v", voice.name, "-p", str(pitch), "-s", f"{speed:.0f}"]
    spoken = subprocess.run([*command, "--stdout", markup], check=True, capture_output=True)
    with wave.open(io.BytesIO(spoken.stdout)) as file:
        source_rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768.0
    loud = np.flatnonzero(np.abs(samples) > 0.005)
    if loud.size == 0:
        raise ValueError(f"espeak-ng returned no sound for {sentence!r}")
    samples = samples[loud[0] : loud[-1] + 1]
    seconds = np.arange(int(len(samples) * RATE / source_rate)) / RATE
    return np.interp(seconds * source_rate, np.arange(len(samples)), samples)


def bend_pitch(sound: np.ndarray, prosody: Prosody) -> np.ndarray:
    """Tremble and rise by reading the samples at moving positions."""
    seconds = np.arange(len(sound)) / RATE
    part = seconds / max(seconds[-1], 1e-9)
    pace = 1.0 + prosody.rise * np.clip(part - 0.5, 0, None) * 2
    position = np.cumsum(pace) - 1
    position += prosody.tremble / 1000 * RATE * np.sin(2 * np.pi * 9.0 * seconds)
    position = position[position < len(sound)]
    return np.interp(position, np.arange(len(sound)), sound)


def colour_sound(sound: np.ndarray, prosody: Prosody) -> np.ndarray:
    """Damp, overdrive, creak and amplify."""
    seconds = np.arange(len(sound)) / RATE
    if prosody.damp > 0:
        kernel = np.hanning(34)
        dull = np.convolve(sound, kernel / kernel.sum(), mode="same")
        sound = (1 - prosody.damp) * sound + prosody.damp * dull
    sound = sound * (LEVEL / (np.sqrt(np.mean(sound**2)) + 1e-9))
    if prosody.drive > 0:
        driven = np.tanh(prosody.drive * sound)
        sound = driven * (LEVEL / (np.sqrt(np.mean(driven**2)) + 1e-9))
    if prosody.creak > 0:
        sound = sound * (1 - prosody.creak * (0.5 + 0.5 * np.sin(2 * np.pi * 27.0 * seconds)))
    return sound * 10 ** (prosody.gain / 20)


def speak(sentence: str, voice: Voice, prosody: Prosody, rng: np.random.Generator) -> np.ndarray:
    """Say a sentence; float32 [samples] at RATE with a little room noise and silence around."""
    speed = prosody.speed
    sound = call_espeak(sentence, voice, prosody, speed)
    while len(sound) > LONGEST * RATE:
        speed *= 1.08
        sound = call_espeak(sentence, voice, prosody, speed)
    sound = colour_sound(bend_pitch(sound, prosody), prosody)
    before, after = rng.uniform(0.08, 0.16, size=2)
    after = max(after, 0.8 - before - len(sound) / RATE)
    sound = np.pad(sound, (int(before * RATE), int(after * RATE)))
    sound = sound + rng.normal(0, 10 ** rng.uniform(-3.6, -3.0), size=len(sound))
    return np.clip(sound, -0.99, 0.99).astype(np.float32)


def loudness(sound: np.ndarray, fps: float) -> np.ndarray:
    """How open the mouth is in each frame: float [frames] from 0 to 1."""
    frames = max(1, int(np.ceil(len(sound) / RATE * fps)))
    edges = np.linspace(0, len(sound), frames + 1).astype(int)
    pieces = np.split(sound, edges[1:-1])
    levels = [np.sqrt(np.mean(piece**2)) for piece in pieces]
    return np.clip(np.array(levels) / (2.2 * np.mean(levels) + 1e-6), 0, 1)
