"""Faces: found, followed and cropped; full frames where there is none."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from cberl.corpus.media import faces

DEMO = Path(__file__).resolve().parents[3] / "resources/demo/train_splits/dia0_utt0.mp4"
EMPTY = cv2.resize(
    np.random.default_rng(0).integers(60, 200, (9, 16, 3), dtype=np.uint8), (640, 360)
)


@pytest.fixture(scope="module")
def face():
    """A drawn face out of the demo corpus: [110, 90, 3]."""
    with av.open(str(DEMO)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="bgr24")
    return picture[12:122, 50:140]


def scene(face, x, y, height=180):
    """The face with its middle at (x, y) in a picture of 640 by 360 pixels."""
    scaled = cv2.resize(face, (round(height * 90 / 110), height), interpolation=cv2.INTER_CUBIC)
    picture = EMPTY.copy()
    top, left = y - height // 2, x - scaled.shape[1] // 2
    picture[top : top + height, left : left + scaled.shape[1]] = scaled
    return picture


def test_a_face_is_cropped_square_with_room_around(face):
    crops, found = faces.crop_faces([scene(face, 200, 180)])
    assert found == [True]
    height, width, _ = crops[0].shape
    assert height == width
    assert 120 < height < 300
    box = faces.find_faces([scene(face, 200, 180)])[0]
    assert box.x * 360 == pytest.approx(200, abs=15)
    assert box.y * 360 == pytest.approx(180, abs=30)


def test_without_a_face_the_full_frames_stay():
    crops, found = faces.crop_faces([EMPTY] * 6)
    assert found == [False] * 6
    assert all(crop is EMPTY for crop in crops)


def test_a_moving_face_is_followed_at_one_size(face):
    pictures = [scene(face, 180 + 8 * step, 170 + step) for step in range(12)]
    crops, found = faces.crop_faces(pictures)
    assert found == [True] * 12
    assert len({crop.shape for crop in crops}) == 1
    boxes = faces.find_faces(pictures)
    middles = [box.x * 360 - (180 + 8 * step) for step, box in enumerate(boxes)]
    assert np.ptp(middles) < 20


def test_the_face_that_stays_wins_over_one_that_passes(face):
    """A larger face in one frame only does not take the crop from the one in all frames."""
    pictures = [scene(face, 150, 180, 160) for _ in range(8)]
    for position in (1, 2):
        passing = cv2.resize(face, (180, 220), interpolation=cv2.INTER_CUBIC)
        pictures[position][80:300, 420:600] = passing
    boxes = faces.find_faces(pictures)
    assert [box.x * 360 for box in boxes] == pytest.approx([150] * 8, abs=15)


def test_after_a_cut_the_other_face_is_taken_and_without_one_the_full_frame(face):
    pictures = [scene(face, 150, 180)] * 6 + [scene(face, 480, 150, 240)] * 3 + [EMPTY] * 3
    pictures = [picture.copy() for picture in pictures]
    crops, found = faces.crop_faces(pictures)
    assert found == [True] * 9 + [False] * 3
    assert crops[7].shape[0] > crops[0].shape[0]
    assert crops[-1].shape == EMPTY.shape


def test_a_face_at_the_edge_is_cropped_inside_the_picture(face):
    crops, found = faces.crop_faces([scene(face, 90, 110, 200)])
    assert found == [True]
    assert crops[0].shape[0] == crops[0].shape[1]


def test_one_picture_shown_twice_is_searched_once(face, monkeypatch):
    searches = []
    search = faces._search
    monkeypatch.setattr(faces, "_search", lambda *args: searches.append(1) or search(*args))
    picture = scene(face, 200, 180)
    crops, found = faces.crop_faces([picture] * 9)
    assert found == [True] * 9
    assert len(searches) == 1
    assert all(crop is crops[0] for crop in crops)


def test_most_frames_are_not_searched_whole(face, monkeypatch):
    whole = []
    search = faces._search

    def count(grey, expected=None):
        whole.append(expected is None)
        return search(grey, expected)

    monkeypatch.setattr(faces, "_search", count)
    faces.find_faces([scene(face, 200 + step, 180) for step in range(16)])
    assert sum(whole) <= 4
    whole.clear()
    faces.find_faces([EMPTY + np.uint8(step) for step in range(16)])
    assert len(whole) == len(faces.WHOLE_SEARCHES)


def test_small_and_odd_pictures_do_not_trip_it(face):
    for shape in ((16, 16, 3), (8, 60, 3), (60, 8, 3), (300, 40, 3)):
        picture = np.full(shape, 128, np.uint8)
        assert faces.crop_faces([picture])[0][0] is picture
