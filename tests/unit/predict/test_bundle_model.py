"""A bundle from Python: frames and files in, a frame out, by the same path as the command."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_bundles import CLASSES
from made_media import babble, write_media

from cberl.api import load_bundle
from cberl.errors import InputError
from cberl.predict.bundle_model import Bundle
from cberl.predict.tables import TURNS

ROWS = [
    ("talk", 1, "Ann", "Did they really say no?", "a.mp4", 0, 1.5),
    ("talk", 2, "Ben", "They did.", "a.mp4", 1.5, 3),
    ("other", 1, "Cy", None, None, None, np.nan),
    ("other", 2, "Cy", "Well.", None, None, np.nan),
]
COLUMNS = ["dialogue", "utterance", "speaker", "text", "media", "start", "end"]


@pytest.fixture
def table(tmp_path):
    write_media(tmp_path / "a.mp4", babble(3, 16000), 3)
    return pd.DataFrame(ROWS, columns=COLUMNS)


def test_a_frame_and_a_file_are_predicted_alike(models, table, tmp_path):
    bundle = Bundle(models)
    assert bundle.classes == CLASSES
    assert bundle.modalities == ["text", "audio", "video"]
    turns = bundle.predict(table, root=tmp_path)
    names = [name for name in TURNS.names if name != "probabilities"]
    assert list(turns.columns) == [*names, "p_neutral", "p_joy", "p_anger"]
    assert list(turns["conversation"]) == ["talk", "talk", "other", "other"]
    assert list(turns["utterance"]) == ["1", "2", "1", "2"]
    assert list(turns["video_available"]) == [True, True, False, False]
    assert list(turns["text_available"]) == [True, True, False, True]
    assert np.allclose(turns[["p_neutral", "p_joy", "p_anger"]].sum(axis=1), 1, atol=1e-6)
    table.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    pd.testing.assert_frame_equal(bundle.predict(tmp_path / "table.tsv"), turns)


def test_columns_by_other_names_are_read_where_they_are_named(models, table, tmp_path):
    bundle = Bundle(models)
    expected = bundle.predict(table, root=tmp_path)
    theirs = table.rename(columns={"text": "said", "speaker": "who"})
    columns = {"said": "text", "who": "speaker"}
    turns = bundle.predict(theirs, root=tmp_path, columns=columns)
    pd.testing.assert_frame_equal(turns, expected)
    theirs.loc[1, "said"] = "Café."
    theirs.to_csv(tmp_path / "theirs.csv", index=False, encoding="cp1252")
    turns = bundle.predict(tmp_path / "theirs.csv", columns=columns, encoding="cp1252")
    assert turns["text"][1] == "Café."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.drop(columns="speaker"), "table: has no column speaker"),
        (
            lambda table: table.rename(columns={"text": "Transcript"}),
            r"did you mean text\? Then rename it or write columns: {Transcript: text}",
        ),
        (lambda table: table.iloc[:0], "table: has no rows"),
        (lambda table: table.assign(speaker=None), "table: row 1, column speaker: is empty"),
        (lambda table: table.assign(text=[["a"]] * 4), "column text: holds a list"),
        (lambda table: table.assign(utterance=1), "was already used at table: row 1"),
        (
            lambda table: table.assign(text=pd.Series(["\ud800"] * 4, dtype=object)),
            "row 1, column text: holds half of a character",
        ),
        (lambda table: pd.concat([table, table[["text"]]], axis=1), "column 'text' appears twice"),
        (lambda table: table.to_dict("records"), "table is a list; expected a frame"),
    ],
)
def test_frames_that_cannot_be_used_are_refused_by_row_and_column(models, table, change, words):
    with pytest.raises(InputError, match=words):
        Bundle(models).predict(change(table))


def test_cells_may_be_numbers_of_numpy_and_paths(models, table, tmp_path):
    bundle = Bundle(models)
    expected = bundle.predict(table, root=tmp_path)
    cells = {
        "utterance": [np.int64(number) for number in table["utterance"]],
        "end": [np.float32(end) for end in table["end"]],
        "media": [Path(name) if isinstance(name, str) else None for name in table["media"]],
    }
    odd = table.assign(**{name: pd.Series(own, dtype=object) for name, own in cells.items()})
    turns = bundle.predict(odd.set_axis([0, 0, 0, 0]), root=tmp_path)
    pd.testing.assert_frame_equal(turns, expected)


def test_what_is_no_bundle_is_refused(bundle, tmp_path):
    assert load_bundle(bundle).classes == CLASSES
    with pytest.raises(InputError, match="expected the folder of a bundle"):
        load_bundle(tmp_path)
