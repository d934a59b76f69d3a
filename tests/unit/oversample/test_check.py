import numpy as np

from cberl.corpus.labels import NO_LABEL
from cberl.oversample.usable import usable_labels


def test_a_row_without_any_modality_counts_as_unlabelled(make_rows, caplog):
    caplog.set_level("INFO")
    features, labels = make_rows(missing=0)
    for mask in features.available.values():
        mask[3] = False
    features.available["text"][5] = False
    usable = usable_labels(features, labels)
    assert usable[3] == NO_LABEL
    assert usable[5] == labels[5]
    assert (np.delete(usable, 3) == np.delete(labels, 3)).all()
    assert "1 training rows have no modality" in caplog.text
