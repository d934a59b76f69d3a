import numpy as np

from cberl.oversample.usable import usable_rows
from cberl.rows import NO_LABEL


def test_a_row_without_label_or_any_modality_is_not_usable(make_rows, caplog):
    caplog.set_level("INFO")
    train = make_rows(missing=0)
    for mask in train.available.values():
        mask[3] = False
    train.available["text"][5] = False
    train.labels[7] = NO_LABEL
    assert np.flatnonzero(~usable_rows(train)).tolist() == [3, 7]
    assert "1 labelled training rows have no modality" in caplog.text
