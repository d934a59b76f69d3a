"""The table of recordings is checked row by row before any job starts."""

import pytest

from cberl.errors import InputError
from cberl.predict.recordings import RecordingFiles, read_recordings, table_form


def write(tmp_path, *rows):
    path = tmp_path / "recordings.tsv"
    path.write_text("\n".join(["name\trecording\ttranscript", *rows]) + "\n")
    return path


def test_a_recording_a_transcript_or_both(tmp_path):
    for name in ("a.mp4", "a.srt"):
        (tmp_path / name).write_text("")
    video, text = str(tmp_path / "a.mp4"), str(tmp_path / "a.srt")
    path = write(tmp_path, f"both\t{video}\t{text}", f"seen\t{video}\t", f"read\t\t{text}")
    recordings = read_recordings(path)
    assert list(recordings) == ["both", "seen", "read"]
    assert recordings["both"] == RecordingFiles(video, text)
    assert recordings["seen"].files == [video]
    assert recordings["read"].files == [text]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["a b\tx\t"], "line 2: name 'a b'; expected letters"),
        (["../a\tx\t"], "expected letters, digits"),
        (["a\tgone.mp4\t"], "line 2, recording: no such file gone.mp4"),
        (["a\t\t"], "line 2: names no file"),
        (["a\tREAL\t", "a\tREAL\t"], "line 3: name a appears twice"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path, rows, words):
    (tmp_path / "a.mp4").write_text("")
    rows = [row.replace("REAL", str(tmp_path / "a.mp4")) for row in rows]
    with pytest.raises(InputError, match=words):
        read_recordings(write(tmp_path, *rows))


def test_names_of_columns_are_of_recordings_that_are_tables():
    table = {"a": RecordingFiles("a.mp4", None), "b": RecordingFiles("b.csv", None)}
    settings = {"name": "x", "columns": {"said": "text"}}
    assert table_form(settings, table) == {"columns": {"said": "text"}}
    with pytest.raises(InputError, match=r"predict\.columns is of tables .*; expected one among"):
        table_form(settings, {"a": table["a"]})


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"predict\.recordings names it"):
        read_recordings(tmp_path / "none.tsv")
