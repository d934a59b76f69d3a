"""Labelled texts of another source beside the training split."""

import pandas as pd
import pytest

from cberl.errors import InputError
from cberl.features.settings import AuxiliarySettings
from cberl.features.text.auxiliary import read_auxiliary

CLASSES = ["joy", "fear", "disgust"]
KNOWN = pd.Series(["Boo!  Who is there?", None, "Fine."])
ROWS = [
    ("I am scared of the dark.", "afraid"),
    ("boo! who is THERE?", "afraid"),
    ("That smells awful.", "disgust"),
    ("So happy for you.", "joy"),
    ("Nothing to say.", ""),
]


@pytest.fixture
def table(tmp_path):
    """table(rows) -> path of a file with columns text and label."""

    def write(rows=ROWS):
        path = tmp_path / "texts.tsv"
        pd.DataFrame(rows, columns=["text", "label"]).to_csv(path, sep="\t", index=False)
        return str(path)

    return write


def test_texts_of_the_named_labels_are_dialogues_of_one_turn(table):
    labels = {"afraid": "fear", "disgust": "disgust"}
    frame, facts = read_auxiliary(AuxiliarySettings(table(), labels=labels), CLASSES, KNOWN)
    assert frame["text"].tolist() == ["I am scared of the dark.", "That smells awful."]
    assert frame["label"].tolist() == [1, 2]
    assert frame["dialogue_id"].is_unique
    assert facts["texts"] == {"fear": 1, "disgust": 1}
    assert facts["left_out"] == 1  # the corpus has it, in other spelling
    assert len(facts["digest"]) == 64


def test_without_a_mapping_labels_that_are_classes_count(table):
    frame, _ = read_auxiliary(AuxiliarySettings(table()), CLASSES, KNOWN)
    assert frame["label"].tolist() == [2, 0]


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (ROWS, {"afraid": "terror"}, "labels.afraid is 'terror', no class .*one of joy, fear"),
        (ROWS, {"afriad": "fear"}, "no text of .* has the label 'afriad'; found afraid, disgust"),
        (ROWS[1:2], {"afraid": "fear"}, "no text that the corpus has not has a label of afraid"),
    ],
)
def test_what_cannot_be_meant_is_refused(table, rows, labels, message):
    with pytest.raises(InputError, match=message) as caught:
        read_auxiliary(AuxiliarySettings(table(rows), labels=labels), CLASSES, KNOWN)
    assert "\n" not in str(caught.value)


def test_columns_of_other_names_are_mapped(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("comment,emotion\nI am scared.,fear\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"finetune.auxiliary.columns: \{"):
        read_auxiliary(AuxiliarySettings(str(path)), CLASSES, KNOWN)
    columns = {"comment": "text", "emotion": "label"}
    frame, _ = read_auxiliary(AuxiliarySettings(str(path), columns), CLASSES, KNOWN)
    assert frame["text"].tolist() == ["I am scared."]
