"""Sound and frames made up for tests."""

import cv2
import numpy as np

SAMPLE_RATE = 16000


def jpeg(seed: int, height: int = 48, width: int = 64) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def sound(seed: int, seconds: float) -> np.ndarray:
    """A hum that wavers, as int16 samples."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 120 + 40 * seed + 20 * np.sin(2 * np.pi * 3 * time)
    wave = np.sin(2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE)
    return (8000 * wave + generator.normal(0, 200, len(time))).astype(np.int16)
