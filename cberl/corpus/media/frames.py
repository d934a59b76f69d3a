"""Frames of one clip: chosen evenly in time while it is decoded, scaled, stored as JPEG."""

from collections.abc import Sequence

import av
import numpy as np

JPEG_QUALITY = 90
# Faces are cut out of a picture of at most this short side; larger pictures are scaled down.
DETAIL_SIDE = 720
LARGEST_ASPECT = 8.0


def sample_times(times: Sequence[float], count: int, window: tuple[float, float]) -> np.ndarray:
    """Choose ``count`` moments, each in the middle of its share of what there is to see.

    Args:
        times: seconds at which the stream's frames appear, in any order; may be empty.
        window: seconds between which to choose; what the stream lacks of it is left out.

    Returns:
        float64 [count], rising; empty if the stream has nothing in the window.
    """
    if not len(times):
        return np.empty(0)
    ordered = np.unique(np.asarray(times, dtype=np.float64))
    gap = float(np.median(np.diff(ordered))) if len(ordered) > 1 else 0.0
    first, last = max(window[0], ordered[0]), min(window[1], ordered[-1] + gap)
    if last < first or (last == first and len(ordered) > 1):
        return np.empty(0)
    return first + (np.arange(count) + 0.5) * (last - first) / count


class FrameSampler:
    """Takes decoded frames in order and keeps what is on show at each of the sampled times."""

    def __init__(
        self,
        times: np.ndarray,
        short_side: int,
        crop: str | None = None,
        detail: bool = False,
        pixel_aspect: float = 1.0,
    ) -> None:
        """Prepare for one clip.

        Args:
            times: what `sample_times` chose.
            short_side: shorter side of a picture, in pixels, when ``detail`` is false.
            crop: half of the picture to keep (left, right) or None.
            detail: keep pictures as large as they are, up to `DETAIL_SIDE`.
            pixel_aspect: width of a stored pixel by its height; the result has square pixels.
        """
        self._times, self._crop = times, crop
        self._short_side, self._detail, self._pixel_aspect = short_side, detail, pixel_aspect
        self._on_show: tuple[float, av.VideoFrame] | None = None
        self._kept: tuple[float, np.ndarray] | None = None
        self.pictures: list[np.ndarray] = []
        self.times_s: list[float] = []

    @property
    def done(self) -> bool:
        return len(self.pictures) == len(self._times)

    def add(self, time_s: float, frame: av.VideoFrame) -> None:
        """Take the next frame, which appears at ``time_s``."""
        while not self.done and self._on_show and time_s > self._times[len(self.pictures)]:
            self._keep()
        self._on_show = (time_s, frame)

    def finish(self) -> None:
        """Let the last frame stay on show until the last of the sampled times."""
        while self._on_show and not self.done:
            self._keep()

    def _keep(self) -> None:
        time_s, frame = self._on_show
        if self._kept is None or self._kept[0] != time_s:
            self._kept = (time_s, self._to_picture(frame))
        self.times_s.append(time_s)
        self.pictures.append(self._kept[1])

    def _to_picture(self, frame: av.VideoFrame) -> np.ndarray:
        halves = 2 if self._crop else 1
        shown_width = frame.width * self._pixel_aspect
        shorter = min(shown_width / halves, frame.height)
        wanted = min(shorter, DETAIL_SIDE) if self._detail else self._short_side
        factor = wanted / shorter
        width = max(halves, round(shown_width * factor))
        height = max(1, round(frame.height * factor))
        scaled = frame.reformat(width, height, "bgr24", threads=1)
        picture = scaled.to_ndarray()  # [height, width, 3]
        if self._crop:
            middle = width // 2
            picture = picture[:, :middle] if self._crop == "left" else picture[:, middle:]
        # Telephones store upright recordings lying on their side, with a note how to turn them.
        turns = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(picture, turns))


def has_absurd_size(width: int, height: int) -> bool:
    """Whether a picture is too narrow to show anything, or has no size."""
    return min(width, height) < 8 or max(width, height) / min(width, height) > LARGEST_ASPECT


def resize_short_side(picture: np.ndarray, short_side: int) -> np.ndarray:
    """Scale a picture [height, width, 3] so that its shorter side has ``short_side`` pixels."""
    import cv2

    height, width = picture.shape[:2]
    factor = short_side / min(height, width)
    if factor == 1:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(
        picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    )


def encode_jpeg(picture: np.ndarray) -> bytes:
    """Encode a picture, uint8 [height, width, 3] in the order blue, green, red."""
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return cv2.imencode(".jpg", picture, quality)[1].tobytes()
