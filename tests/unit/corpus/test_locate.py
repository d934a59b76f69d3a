"""Files that annotations name as another system would."""

import unicodedata

import pytest

from cberl.corpus import reasons
from cberl.corpus.locate import find_file

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "gespräch/é.mp4") for form in ("NFC", "NFD"))


def make(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())


@pytest.mark.parametrize(
    ("on_disk", "named"),
    [
        (DECOMPOSED, COMPOSED),
        (COMPOSED, DECOMPOSED),
        ("media/a.mp4", "media\\a.mp4"),
        ("media/a.mp4", "media/A.MP4"),
        ("media/A.MP4", "media/a.mp4"),
        ("Media/Sub/a.MP4", "media\\sub\\A.mp4"),
    ],
)
def test_other_spellings_are_found_and_said(tmp_path, on_disk, named):
    make(tmp_path, on_disk)
    file, reason, words = find_file(tmp_path, named)
    assert file.read_bytes() == on_disk.encode()
    assert (reason, words) == (None, f"{named} found as {on_disk}")


def test_the_exact_name_comes_first(tmp_path):
    make(tmp_path, "a.mp4", "A.mp4", "b\\c.mp4", "b/c.mp4")
    for name in ("a.mp4", "A.mp4", "b\\c.mp4"):
        file, reason, words = find_file(tmp_path, name)
        assert (file.read_bytes(), reason, words) == (name.encode(), None, None)


def test_of_two_that_fit_none_is_taken(tmp_path):
    make(tmp_path, "a.mp4", "A.mp4")
    assert find_file(tmp_path, "A.MP4")[:2] == (None, reasons.MISSING)


@pytest.mark.parametrize("name", ["C:\\clips\\a.mp4", "d:/a.mp4", "\\\\server\\a.mp4", "/a.mp4"])
def test_paths_of_another_machine_are_outside(tmp_path, name):
    file, reason, words = find_file(tmp_path, name)
    assert (file, reason) == (None, reasons.OUTSIDE_ROOT)
    assert words.startswith(f"{name}: not under the corpus root; link its folder")


def test_dots_lead_out_with_backslashes_too(tmp_path):
    make(tmp_path, "a.mp4", "sub/b.mp4")
    assert find_file(tmp_path / "sub", "..\\a.mp4")[:2] == (None, reasons.OUTSIDE_ROOT)
    assert find_file(tmp_path / "sub", "../A.MP4")[:2] == (None, reasons.OUTSIDE_ROOT)


def test_a_file_that_comes_later_is_found(tmp_path):
    make(tmp_path, "x.mp4")
    assert find_file(tmp_path, "A.mp4")[0] is None
    make(tmp_path, "a.MP4")
    assert find_file(tmp_path, "A.mp4")[0] == tmp_path / "a.MP4"
