"""Turns of a recording without a transcript, by voice activity.

Silero VAD (github.com/snakers4/silero-vad, MIT licence), whose weights come inside its package,
gives the chance of speech every 32 ms; its own rules cut these into stretches of speech. Speakers
are not distinguished: all turns have one, who is not named.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.corpus import reasons
from cberl.corpus.media.decode import decode_clips
from cberl.corpus.media.samples import from_int16
from cberl.corpus.settings import MediaSettings
from cberl.corpus.tables import UTTERANCES
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
DECODING = MediaSettings(sample_rate=SAMPLE_RATE, time_limit_s=300.0)


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
    if not samples:
        raise InputError(f"{path}: its sound cannot be decoded; expected --transcript beside it")
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
    """The recording's sound, int16 [samples] piece by piece; silence where it is silent."""
    count = 1 if facts.duration_s is None else int(np.ceil(facts.duration_s / PIECE_S))
    plain = dict.fromkeys(UTTERANCES.names)
    for number in range(count):
        start_s = number * PIECE_S
        end_s = None if facts.duration_s is None else start_s + PIECE_S
        piece = plain | {
            "utterance_id": str(number),
            "media_path": path.name,
            "media_start_s": start_s,
            "media_end_s": end_s,
        }
        frame = pd.DataFrame([piece], dtype=object)
        for rows in decode_clips(frame, path.parent, DECODING, ["audio"]):
            sound, reason = rows["audio"].iloc[0], rows["audio_reason"].iloc[0]
            if sound is not None:
                yield sound
            elif reason == reasons.SILENT and end_s is not None:
                seconds = min(end_s, facts.duration_s) - start_s
                yield np.zeros(round(seconds * SAMPLE_RATE), dtype=np.int16)
