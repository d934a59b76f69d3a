"""Spoken sound for tests, by espeak-ng."""

import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

RATE = 16000


def speak(text: str, folder: Path, voice: str = "en", pitch: int = 50) -> np.ndarray:
    """Speak a text: float32 [samples] at `RATE`; skips the test without espeak-ng."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("needs espeak-ng")
    path = folder / "spoken.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-p", str(pitch), "-w", str(path), text], check=True)
    resampler = av.AudioResampler("flt", "mono", RATE)
    with av.open(str(path)) as container:
        frames = [
            frame for packet in container.decode(audio=0) for frame in resampler.resample(packet)
        ]
    frames += resampler.resample(None)
    sound = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return sound / np.abs(sound).max() * 0.6


def silence(seconds: float) -> np.ndarray:
    """Nothing: float32 [samples] at `RATE`."""
    return np.zeros(round(seconds * RATE), dtype=np.float32)
