"""Rows are put into one form, or refused in one line, when they are made."""

import numpy as np
import pytest

from cberl.errors import InputError
from cberl.rows import NO_LABEL, LabelledRows, in_fixed_order, join_rows, make_rows

NAN = float("nan")
GOOD = {
    "ids": ["a", "b", "c"],
    "values": {"audio": [[1, 2], [3, 4], [NAN, NAN]], "text": [[1], [2], [3]]},
    "available": {"text": [1, 1, 0]},
    "labels": [1, NO_LABEL, 0],
    "classes": ["joy", "fear"],
}


@pytest.fixture
def rows():
    return LabelledRows(**GOOD)


def test_what_is_given_takes_one_form(rows):
    assert rows.modalities == ("text", "audio")
    assert rows.widths == {"text": 1, "audio": 2}
    assert rows.ids.dtype == object
    assert all(matrix.dtype == np.float32 for matrix in rows.values.values())
    assert all(mask.dtype == bool for mask in rows.available.values())
    assert rows.labels.dtype == np.int64
    assert rows.classes == ("joy", "fear")
    assert len(rows) == 3


def test_absent_rows_are_zeros_and_a_row_of_nan_is_absent(rows):
    assert rows.available["audio"].tolist() == [True, True, False]
    assert rows.values["audio"].tolist() == [[1, 2], [3, 4], [0, 0]]
    assert rows.values["text"].ravel().tolist() == [1, 2, 0]
    assert rows.present.tolist() == [True, True, False]


def test_without_labels_none_is_known():
    rows = LabelledRows(["a"], {"text": [[1]]})
    assert rows.labels.tolist() == [NO_LABEL]
    assert not rows.labelled.any()
    assert rows.classes == ()


def test_what_the_caller_holds_stays_as_it_was():
    values = np.array([[1.0], [5.0]], dtype=np.float32)
    rows = LabelledRows(["a", "b"], {"text": values}, {"text": [True, False]})
    assert rows.values["text"].ravel().tolist() == [1, 0]
    assert values.ravel().tolist() == [1, 5]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"values": {}}, "rows without any modality"),
        ({"values": {"text": [[1], [2]]}}, "modality text: 2 rows; expected 3"),
        (
            {"values": {"text": [1, 2, 3]}},
            r"modality text has shape \(3,\); expected \[rows, width",
        ),
        ({"values": {"text": np.ones((3, 0))}}, r"modality text has shape \(3, 0\)"),
        ({"values": {"text": [["x"], ["y"], ["z"]]}}, "modality text holds what is not a number"),
        (
            {"values": {"text": [[1, 1], [1, NAN], [1, 1]]}},
            "row b has NaN or infinite values in tex",
        ),
        ({"values": {"text": [[1], [2], [np.inf]]}, "available": {}}, "row c has NaN or infinite"),
        ({"values": {"text": [[NAN], [2], [3]]}}, "row a has NaN or infinite values in text"),
        ({"available": {"text": [True]}}, "availability of text: 1 rows; expected 3"),
        ({"available": {"text": [[True]] * 3}}, r"availability of text: of shape \(3, 1\)"),
        ({"labels": [0, 1]}, "labels: 2 rows; expected 3"),
        ({"labels": [[0], [1], [0]]}, r"labels: of shape \(3, 1\)"),
        ({"labels": [0, 1, 2]}, "labels 0 to 2; expected numbers of the 2 classes, or -1"),
        ({"labels": [0, 1, -2]}, "labels -2 to 1; expected"),
        ({"labels": [0, 0, 0], "classes": []}, "labels 0 to 0; expected numbers of the 0 classes"),
        ({"labels": [0.5, 1, 0]}, "labels of type float64; expected class numbers"),
        ({"labels": ["joy", "fear", "joy"]}, "labels of type <U4; expected class numbers"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(changed, message):
    with pytest.raises(InputError, match=message) as caught:
        LabelledRows(**GOOD | changed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("positions", [np.array([2, 0]), np.array([True, False, True])])
def test_rows_are_taken_with_all_that_belongs_to_them(rows, positions):
    taken = rows.take(positions)
    order = np.arange(3)[positions]
    assert taken.ids.tolist() == rows.ids[order].tolist()
    assert taken.labels.tolist() == rows.labels[order].tolist()
    assert taken.classes == rows.classes
    for name in rows.modalities:
        assert taken.available[name].tolist() == rows.available[name][order].tolist()
        np.testing.assert_array_equal(taken.values[name], rows.values[name][order])


def test_no_row_is_taken_with_the_widths_of_all(rows):
    assert rows.take(np.arange(0)).widths == rows.widths


def test_a_modality_taken_away_leaves_the_others(rows):
    left = rows.without("audio")
    assert left.modalities == rows.modalities
    assert not left.values["audio"].any()
    assert not left.available["audio"].any()
    np.testing.assert_array_equal(left.values["text"], rows.values["text"])
    assert left.labels.tolist() == rows.labels.tolist()
    assert rows.available["audio"].any()


def test_labels_are_replaced_and_checked(rows):
    assert rows.with_labels([2, 0, -1], ["a", "b", "c"]).labels.tolist() == [2, 0, -1]
    with pytest.raises(InputError, match="numbers of the 1 classes"):
        rows.with_labels([2, 0, -1], ["a"])


def test_rows_are_joined_in_order(rows):
    both = join_rows(rows, rows.take(np.array([1, 0])))
    assert both.ids.tolist() == ["a", "b", "c", "b", "a"]
    assert both.values["text"].ravel().tolist() == [1, 2, 0, 2, 1]
    assert both.available["audio"].tolist() == [True, True, False, True, True]
    assert both.labels.tolist() == [1, -1, 0, -1, 1]
    assert both.classes == rows.classes


def test_rows_of_other_widths_or_classes_do_not_join(rows):
    with pytest.raises(InputError, match=r"rows of widths \{'text': 4\} do not go with rows of"):
        join_rows(rows, LabelledRows(["x"], {"text": [[1, 2, 3, 4]]}))
    with pytest.raises(InputError, match=r"rows of classes \('a', 'b'\) do not go with"):
        join_rows(rows, rows.with_labels(rows.labels, ["a", "b"]))


def test_known_modalities_come_first_in_their_order():
    names = ["gaze", "video", "text", "audio", "pulse"]
    assert in_fixed_order(names) == ["text", "audio", "video", "gaze", "pulse"]


def test_names_become_numbers_of_sorted_classes():
    rows = make_rows([[1.0], [2.0], [3.0]], ["joy", None, "fear"])
    assert rows.classes == ("fear", "joy")
    assert rows.labels.tolist() == [1, -1, 0]
    assert rows.modalities == ("features",)
    assert rows.ids.tolist() == ["0", "1", "2"]
    assert make_rows([[1.0]], ["joy"], classes=["neutral", "joy"]).labels.tolist() == [1]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ({}, {}, "no modality; expected an array or a dict of arrays"),
        (3, {}, "values without a length"),
        ([[1.0]], {"labels": [["joy"]]}, r"labels of shape \(1, 1\)"),
        ([[1.0]], {"labels": ["joy"], "classes": ["fear"]}, "label 'joy' is not among the classes"),
        ([[1.0], [2.0]], {"labels": ["joy", 1]}, "labels of several types"),
    ],
)
def test_what_no_rows_can_be_made_of_is_refused_in_one_line(values, options, message):
    with pytest.raises(InputError, match=message) as caught:
        make_rows(values, **options)
    assert "\n" not in str(caught.value)
