"""The speaker's face in a clip's sampled frames.

Faces are found by OpenCV's cascade for frontal faces (Viola and Jones, CVPR 2001; its weights come
inside the OpenCV package). Searching a whole picture is slow, so only a few of the frames are
searched whole, until a face was seen twice in one place; in the others a face is looked for where
the nearest frame had it. If none of the few shows a face, the others are not searched.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

CASCADE = "haarcascade_frontalface_alt.xml"
SEARCH_HEIGHT = 240
SMALLEST_SHARE = 1 / 9
# Frames to search whole, as shares of the way through the clip.
WHOLE_SEARCHES = (0.15, 0.85, 0.5, 0.3, 0.7)
# Whole searches for a face that is not where it should be (the camera cut to someone else).
SPARE_SEARCHES = 3
# Sides of the crop in widths of the found box, which reaches from the brows to the mouth.
CROP_SIDES = 1.6


class Box(NamedTuple):
    """A square around a face: its centre and side, as shares of the picture's height."""

    x: float
    y: float
    side: float

    def near(self, other: "Box") -> bool:
        """Whether both are likely the same face, a moment apart."""
        reach = 0.7 * max(self.side, other.side)
        same_place = abs(self.x - other.x) < reach and abs(self.y - other.y) < reach
        return same_place and 0.6 < self.side / other.side < 1 / 0.6


def crop_faces(pictures: list[np.ndarray]) -> tuple[list[np.ndarray], list[bool]]:
    """Crop each picture to a face where one is found.

    If there are several, it is the one that most of the frames show, larger ones first; where
    that one is not visible (after a camera cut, for example), the largest.

    Args:
        pictures: uint8 [height, width, 3] each, in the order of time; one may stand several
            times, as the same object.

    Returns:
        Square crops with some room around the face, or the full pictures; whether each is a crop.
    """
    boxes = find_faces(pictures)
    crops: dict[int, np.ndarray] = {}
    for picture, box in zip(pictures, boxes, strict=True):
        if id(picture) not in crops:
            crops[id(picture)] = picture if box is None else crop_around(picture, box)
    return [crops[id(picture)] for picture in pictures], [box is not None for box in boxes]


def find_faces(pictures: list[np.ndarray]) -> list[Box | None]:
    """Find the face to crop to in each picture; see `crop_faces`."""
    distinct = list({id(picture): picture for picture in pictures}.values())
    grey = [_shrink(picture) for picture in distinct]
    searched, steady = _search_some(grey)
    if steady is None:
        return [None] * len(pictures)
    chosen = {at: box for at, boxes in searched.items() if (box := _choose(boxes, steady))}
    spare = SPARE_SEARCHES
    for position, picture in enumerate(grey):
        if position in chosen:
            continue
        nearest = min(chosen, key=lambda known: abs(known - position))
        found = _search(picture, chosen[nearest])
        if not found and position not in searched and spare:
            spare -= 1
            found = _search(picture)
        if found:
            chosen[position] = _choose(found, steady)
    boxes = _hold_size([chosen.get(position) for position in range(len(grey))], steady)
    by_picture = dict(zip(map(id, distinct), boxes, strict=True))
    return [by_picture[id(picture)] for picture in pictures]


def _search_some(grey: list[np.ndarray]) -> tuple[dict[int, list[Box]], Box | None]:
    """Search a few pictures whole: what each of them has, and the steadiest face among it."""
    searched: dict[int, list[Box]] = {}
    steady, times = None, 0
    for share in WHOLE_SEARCHES:
        position = round(share * (len(grey) - 1))
        if position not in searched and times < 2:
            again = _search(grey[position], steady) if steady else []
            searched[position] = again or _search(grey[position])
            steady, times = _steadiest(list(searched.values()))
    return searched, steady


def crop_around(picture: np.ndarray, box: Box) -> np.ndarray:
    """Crop the square around a face from a picture [height, width, 3], kept inside of it."""
    height, width = picture.shape[:2]
    side = max(1, min(round(CROP_SIDES * box.side * height), height, width))
    top = min(max(round(box.y * height - side / 2), 0), height - side)
    left = min(max(round(box.x * height - side / 2), 0), width - side)
    return np.ascontiguousarray(picture[top : top + side, left : left + side])


def _shrink(picture: np.ndarray) -> np.ndarray:
    """A grey picture [240, width]: green is close to brightness, and every other pixel enough."""
    import cv2

    height, width = picture.shape[:2]
    step = max(1, height // (SEARCH_HEIGHT + SEARCH_HEIGHT // 2))
    green = np.ascontiguousarray(picture[::step, ::step, 1])
    size = (max(1, round(width * SEARCH_HEIGHT / height)), SEARCH_HEIGHT)
    return cv2.resize(green, size, interpolation=cv2.INTER_AREA)


@cache
def _cascade() -> Any:
    import cv2

    cv2.setNumThreads(1)
    return cv2.CascadeClassifier(cv2.data.haarcascades + CASCADE)


def _search(grey: np.ndarray, expected: Box | None = None) -> list[Box]:
    """Find faces in a picture [240, width], or only near an expected one; largest first."""
    smallest, largest, left, top, step = SMALLEST_SHARE * SEARCH_HEIGHT, 0, 0, 0, 1.2
    if expected:
        x, y, side = (SEARCH_HEIGHT * value for value in expected)
        smallest, largest, step, reach = max(20.0, 0.7 * side), round(1.4 * side), 1.1, 1.1 * side
        left, top = max(0, round(x - reach)), max(0, round(y - reach))
        grey = grey[top : round(y + reach), left : round(x + reach)]
    found = _cascade().detectMultiScale(
        grey,
        scaleFactor=step,
        minNeighbors=2,
        minSize=(round(smallest), round(smallest)),
        maxSize=(largest, largest) if largest else None,
    )
    boxes = [
        Box(
            (left + x + side / 2) / SEARCH_HEIGHT,
            (top + y + side / 2) / SEARCH_HEIGHT,
            side / SEARCH_HEIGHT,
        )
        for x, y, side, _ in (map(int, box) for box in found)
    ]
    return sorted(boxes, key=lambda box: (-box.side, box.x, box.y))


def _steadiest(searches: list[list[Box]]) -> tuple[Box | None, int]:
    """The face that comes back in most of the searches, weighed by its size; in how many."""
    best, best_weight, times = None, 0.0, 0
    for boxes in searches:
        for box in boxes:
            again = [next((b for b in other if b.near(box)), None) for other in searches]
            sides = [found.side for found in again if found]
            if sum(sides) > best_weight:
                best, best_weight, times = box, sum(sides), len(sides)
    return best, times


def _choose(boxes: list[Box], steady: Box) -> Box | None:
    """The steady face if it is among them, else the largest."""
    largest = boxes[0] if boxes else None
    return next((box for box in boxes if box.near(steady)), largest)


def _hold_size(boxes: list[Box | None], steady: Box) -> list[Box | None]:
    """Give the steady face one size throughout, so that the crops do not pump."""
    side = float(np.median([box.side for box in boxes if box and box.near(steady)]))
    return [box._replace(side=side) if box and box.near(steady) else box for box in boxes]
