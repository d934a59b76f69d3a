"""Turns of a recording without a transcript, by voice activity.

Silero VAD (github.com/snakers4/silero-vad, MIT licence), whose weights come inside its package,
gives the chance of speech every 32 ms; its own rules cut these into stretches of speech. Speakers
are not distinguished: all turns have one, who is not named.
"""

import importlib.util
import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.corpus import reasons
from cberl.corpus.cage.sandbox import Lost, Sandbox
from cberl.corpus.media.clip import decode_clip
from cberl.corpus.media.decode import check_answer
from cberl.corpus.media.samples import from_int16
from cberl.errors import InputError
from cberl.predict.probe import RecordingFacts
from cberl.predict.transcripts.turn_rows import Turn, to_frame

SAMPLE_RATE = 16000
WINDOW = 512
"""Samples between two answers of the detector, at `SAMPLE_RATE`."""
PIECE_S = 120.0
"""Sound decoded at once: the bound on memory, whatever the recording's length."""
SHORTEST_PAUSE_MS = 500
LONGEST_TURN_S = 15.0
"""A longer stretch of speech is cut at its longest pause."""
TIME_LIMIT_S, MEMORY_LIMIT_MB = 300.0, 1000
HEARD = (None, reasons.SILENT, reasons.EMPTY_WINDOW, reasons.TOO_SHORT)
"""What is said of pieces that could be decoded, if only to silence."""


def find_speech(path: str | Path, facts: RecordingFacts) -> pd.DataFrame:
    """Cut a recording into turns by voice activity.

    Args:
        path: the recording.
        facts: as of `cberl.predict.probe.probe_recording`.

    Returns:
        columns `cberl.predict.transcripts.turn_rows.TURN_COLUMNS`, without texts, of one
        unknown speaker.

    Raises:
        InputError: the recording has no sound or no speech, or the detector is not
            installed.
    """
    if not facts.audio:
        raise InputError(f"{path}: has no sound to find turns in; expected --transcript beside it")
    if importlib.util.find_spec("silero_vad") is None:
        raise InputError(
            f"{path}: has no transcript, and finding turns needs a package that is not installed;"
            " expected --transcript, or: pip install --no-deps silero-vad"
        )
    chances, samples = _listen(Path(path), facts)
    from silero_vad.utils_vad import get_speech_timestamps_from_probs

    found = get_speech_timestamps_from_probs(
        chances,
        sampling_rate=SAMPLE_RATE,
        min_silence_duration_ms=SHORTEST_PAUSE_MS,
        max_speech_duration_s=LONGEST_TURN_S,
        audio_length_samples=samples,
    )
    if not found:
        raise InputError(f"{path}: has no speech; expected speech, or --transcript")
    return to_frame(
        [Turn(part["start"] / SAMPLE_RATE, part["end"] / SAMPLE_RATE, "", "") for part in found]
    )


def _listen(path: Path, facts: RecordingFacts) -> tuple[list[float], int]:
    """The probability of speech in each window, and how many samples there were."""
    import torch
    from silero_vad import load_silero_vad

    threads = torch.get_num_threads()
    detector = load_silero_vad()
    # Importing the package sets one thread for the whole process.
    torch.set_num_threads(threads)
    chances: list[float] = []
    samples = 0
    left = np.empty(0, dtype=np.float32)
    with torch.inference_mode():
        for sound in _pieces(path, facts):
            samples += len(sound)
            sound = np.concatenate([left, from_int16(sound)])
            whole = len(sound) // WINDOW * WINDOW
            for window in torch.from_numpy(sound[:whole]).split(WINDOW):
                chances.append(detector(window, SAMPLE_RATE).item())
            left = sound[whole:]
        if len(left):
            last = torch.from_numpy(np.pad(left, (0, WINDOW - len(left))))
            chances.append(detector(last, SAMPLE_RATE).item())
    return chances, samples


def _pieces(path: Path, facts: RecordingFacts) -> Iterator[np.ndarray]:
    """The recording's sound, int16 [samples] piece by piece, each sample where it is heard.

    Silence stands where the recording is silent, has no sound or cannot be decoded: what comes
    after it would be found too early otherwise.

    Raises:
        InputError: no piece can be decoded.
    """
    whole_s = PIECE_S if facts.duration_s is None else facts.duration_s
    starts = [number * PIECE_S for number in range(max(1, int(np.ceil(whole_s / PIECE_S))))]
    lost = []
    with Sandbox(decode_clip, TIME_LIMIT_S, MEMORY_LIMIT_MB) as sandbox:
        for start_s in starts:
            end_s = None if facts.duration_s is None else start_s + PIECE_S
            sound, reason = _decode(sandbox, path, start_s, end_s)
            if reason not in HEARD:
                lost.append(f"from {start_s:g} s on: {reasons.REASONS[reason]}")
            if end_s is not None:
                least = round((min(end_s, whole_s) - start_s) * SAMPLE_RATE)
                sound = np.pad(sound, (0, max(0, least - len(sound))))
                sound = sound[: round(PIECE_S * SAMPLE_RATE)]
            yield sound
    if len(lost) == len(starts):
        raise InputError(f"{path}: its sound cannot be decoded; expected --transcript beside it")
    if lost:
        logging.warning(
            "%s: in %d of %d pieces of %g s no turn is found, first %s",
            *(path, len(lost), len(starts), PIECE_S, lost[0]),
        )


def _decode(
    sandbox: Sandbox, path: Path, start_s: float, end_s: float | None
) -> tuple[np.ndarray, str | None]:
    """A part of the sound, int16 [samples], or nothing and the reason why."""
    request = {
        "audio_file": str(path.absolute()),
        "video_file": None,
        "audio_apart": False,
        "start_s": start_s,
        "end_s": end_s,
        "sample_rate": SAMPLE_RATE,
        "in_time": True,
    }
    try:
        facts, blobs = sandbox.call(request, partial(check_answer, ["audio"]))
    except Lost as lost:
        return np.empty(0, dtype=np.int16), lost.reason
    sound = b"".join(blobs)  # one blob, or none with a reason
    return np.frombuffer(sound, dtype=np.int16), facts["audio_reason"]
