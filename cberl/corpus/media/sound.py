"""Sound of one clip: any channel layout to mono, any rate to one rate, and where speech is."""

import math

import av
import numpy as np

SHORTEST_S = 0.25
SILENCE_DB = -60.0
# Two microphones apart lose a few dB in the mix; a channel with its poles reversed nearly all.
CANCELLED_DB = 30.0
LEVEL_WINDOW_S, LEVEL_HOP_S = 0.025, 0.010
SHORTEST_GAP_S = 0.05
# With this many planes or more PyAV (18.1) reads past the end of their list, and crashes.
MANY_PLANES = 8
LOWEST_RATE, HIGHEST_RATE = 1000, 768_000

# Stereo, as ITU-R BS.775-4, annex 4, mixes multichannel sound down to it, then the mean of its
# two channels. The low-frequency channel carries no speech and is left out there too.
FRONT, CENTRE, SURROUND = 0.5, 0.7071, 0.3536
WEIGHTS = {
    **dict.fromkeys(("FL", "FR", "FLC", "FRC", "WL", "WR", "DL", "DR"), FRONT),
    "FC": CENTRE,
    **dict.fromkeys(("BL", "BR", "SL", "SR", "BC", "SDL", "SDR", "TC"), SURROUND),
    **dict.fromkeys(("TFL", "TFC", "TFR", "TBL", "TBC", "TBR", "TSL", "TSR"), SURROUND),
    **dict.fromkeys(("LFE", "LFE2"), 0.0),
}


def downmix_weights(channels: list[str]) -> np.ndarray:
    """Weight of each named channel in the mono mix: float32 [channels].

    Sound of one channel stays as it is. If a channel's place is not known, all weigh the same.
    """
    equal = np.full(len(channels), 1 / len(channels), dtype=np.float32)
    if len(channels) == 1 or any(name not in WEIGHTS for name in channels):
        return equal
    weights = np.array([WEIGHTS[name] for name in channels], dtype=np.float32)
    return weights if weights.any() else equal


def to_float(frame: av.AudioFrame) -> np.ndarray:
    """Samples of a frame between -1 and 1: float32 [channels, samples].

    Raises:
        ValueError: a sample format that PyAV cannot hand to NumPy.
    """
    if frame.format.is_planar and frame.layout.nb_channels >= MANY_PLANES:
        frame = av.AudioResampler("flt", frame.layout, frame.sample_rate).resample(frame)[0]
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    half = 2.0 ** (8 * samples.dtype.itemsize - 1)
    offset = half if samples.dtype.kind == "u" else 0.0
    return ((samples.astype(np.float64) - offset) / half).astype(np.float32)


class MonoTrack:
    """Collects the frames of one stream as mono sound at one rate.

    Attributes:
        source_seconds: seconds that were added.
        loudest: the channel that has the loudest frame, of those that are mixed.
        loudest_db: that frame's level in dB of full scale.
    """

    def __init__(self, sample_rate: int, channel: int | None = None) -> None:
        """
        Args:
            sample_rate: rate of the mono sound, in Hz.
            channel: take this channel alone in place of the downmix.
        """
        self._sample_rate = sample_rate
        self._channel = channel
        self._source: tuple[int, str] | None = None
        self._resampler: av.AudioResampler | None = None
        self._weights: np.ndarray | None = None
        self._pieces: list[np.ndarray] = []
        self.source_seconds = 0.0
        self.loudest, self.loudest_db = 0, -math.inf

    def add(self, frame: av.AudioFrame, first: int, last: int) -> None:
        """Add samples ``first`` to ``last`` (not included) of a frame.

        Raises:
            ValueError: the frame claims an impossible sampling rate, or cannot be read.
        """
        rate = frame.sample_rate
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise ValueError(f"sound claims a sampling rate of {rate} Hz")
        source = (rate, frame.layout.name)
        if source != self._source:
            self._drain()
            self._source = source
            self._weights = self._weigh([channel.name for channel in frame.layout.channels])
            self._resampler = av.AudioResampler("flt", "mono", self._sample_rate)
        samples = to_float(frame)[:, first:last]  # [channels, samples]
        self._note_loudness(samples)
        mono = self._weights @ samples  # [samples]
        self.source_seconds += len(mono) / rate
        mixed = av.AudioFrame.from_ndarray(np.ascontiguousarray(mono[None]), "flt", "mono")
        mixed.sample_rate = rate
        self._keep(self._resampler.resample(mixed))

    def fill_until(self, seconds: float) -> None:
        """Add silence until there are so many seconds; shorter gaps are rounded time stamps."""
        gap_s = seconds - self.source_seconds
        if gap_s > SHORTEST_GAP_S:
            self._drain()
            self._pieces.append(np.zeros(round(gap_s * self._sample_rate), dtype=np.float32))
            self.source_seconds += gap_s

    def finish(self) -> np.ndarray:
        """All of the sound: float32 [samples], made quieter as a whole if it would clip."""
        self._drain()
        sound = np.concatenate([np.empty(0, np.float32), *self._pieces])
        sound = np.nan_to_num(sound, nan=0.0, posinf=1.0, neginf=-1.0)
        peak = float(np.abs(sound).max(initial=0.0))
        return sound / peak if peak > 1 else sound

    def _weigh(self, channels: list[str]) -> np.ndarray:
        """Weight of each channel: float32 [channels]."""
        if self._channel is None or self._channel >= len(channels):
            return downmix_weights(channels)
        return np.eye(len(channels), dtype=np.float32)[self._channel]

    def _note_loudness(self, samples: np.ndarray) -> None:
        # Floating-point files may hold anything; what is louder than full scale is scaled later.
        power = np.square(samples, dtype=np.float64).mean(axis=1) * (self._weights > 0)
        power = np.nan_to_num(power, nan=0.0, posinf=1.0)
        level = 10 * math.log10(min(max(float(power.max()), 1e-12), 1.0))
        if level > self.loudest_db:
            self.loudest, self.loudest_db = int(power.argmax()), level

    def _drain(self) -> None:
        if self._resampler is not None:
            self._keep(self._resampler.resample(None))
            self._resampler = self._source = None

    def _keep(self, frames: list[av.AudioFrame]) -> None:
        self._pieces += [frame.to_ndarray()[0].copy() for frame in frames]


def levels_db(sound: np.ndarray, sample_rate: int) -> np.ndarray:
    """Level of each 25 ms window, every 10 ms, in dB of full scale: float64 [windows].

    Sound shorter than a window is one window.
    """
    width = max(1, round(LEVEL_WINDOW_S * sample_rate))
    hop = max(1, round(LEVEL_HOP_S * sample_rate))
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    starts = np.arange(0, max(1, len(sound) - width + 1), hop)
    ends = np.minimum(starts + width, len(sound))
    power = (energy[ends] - energy[starts]) / np.maximum(ends - starts, 1)
    return 10 * np.log10(np.maximum(power, 1e-12))


def speech_seconds(sound: np.ndarray, sample_rate: int) -> float:
    """Seconds that carry speech, by energy alone.

    Syllables make the level of speech rise and fall by far more than 6 dB; hum, noise and held
    tones stay level. So where the clip's loud windows (95th percentile) lie less than 6 dB above
    its quiet ones (10th percentile), or below `SILENCE_DB`, there is none; else every window
    counts that is in the upper half of that range and at most 25 dB below the loud ones. Loud
    events that are no speech (laughter from the audience, a slammed door) count too: this is a
    hint for a reader of the quality table, not a detector, and makes no row unavailable.
    """
    levels = levels_db(sound, sample_rate)
    quiet, loud = np.percentile(levels, [10, 95])
    if loud - quiet < 6 or loud < SILENCE_DB:
        return 0.0
    counted = levels > max((quiet + loud) / 2, loud - 25)
    return float(counted.sum() * LEVEL_HOP_S)


def is_cancelled(sound: np.ndarray, sample_rate: int, loudest_db: float) -> bool:
    """Whether channels cancel each other out: together they are far softer than one alone.

    Args:
        sound: the downmix.
        loudest_db: level of the loudest frame of any channel, in dB of full scale.
    """
    if loudest_db < SILENCE_DB:
        return False
    return bool(levels_db(sound, sample_rate).max() < loudest_db - CANCELLED_DB)


def is_silent(sound: np.ndarray, sample_rate: int) -> bool:
    """Whether no window's level reaches -60 dB of full scale."""
    return bool(levels_db(sound, sample_rate).max() < SILENCE_DB)
