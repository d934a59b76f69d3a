import numpy as np
import pytest

from cberl.oversample.target_counts import target_counts
from cberl.rows import LabelledRows

CLASSES = ("neutral", "joy", "fear", "disgust")


def rows_of(labels, classes=CLASSES):
    return LabelledRows(
        np.arange(len(labels)), {"text": np.ones((len(labels), 1))}, {}, labels, classes
    )


TRAIN = rows_of(np.repeat([0, 1, 2, -1], [100, 25, 4, 50]))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("none", [0, 0, 0, 0]),
        ("balanced", [0, 75, 96, 0]),
        ("sqrt", [0, 25, 16, 0]),  # sqrt(25 * 100) = 50, sqrt(4 * 100) = 20
        (30, [0, 5, 26, 0]),
    ],
)
def test_wanted_rows(target, expected):
    wanted = target_counts(TRAIN, target)
    assert wanted.dtype == np.int64
    assert wanted.tolist() == expected


def test_rows_without_any_modality_do_not_count():
    values = np.ones((129, 1))
    values[50:] = np.nan  # half of neutral, and all of joy and fear
    empty = LabelledRows(np.arange(129), {"text": values}, {}, TRAIN.labels[:129], CLASSES)
    assert target_counts(empty, 100).tolist() == [50, 0, 0, 0]


def test_a_class_without_rows_is_named_in_the_log(caplog):
    caplog.set_level("INFO")
    target_counts(TRAIN, "balanced")
    assert "disgust has no training row" in caplog.text


def test_without_any_label_nothing_is_wanted():
    assert target_counts(rows_of(np.full(5, -1), CLASSES[:3]), "balanced").tolist() == [0, 0, 0]


def test_an_unknown_target_is_refused():
    with pytest.raises(ValueError, match="half"):
        target_counts(TRAIN, "half")
