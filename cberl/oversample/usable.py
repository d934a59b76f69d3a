"""Which training rows samples can be made from."""

import logging

import numpy as np

from cberl.row_files import RowFiles
from cberl.rows import LabelledRows


def usable_rows(train: LabelledRows | RowFiles) -> np.ndarray:
    """Rows with a label and at least one modality: bool [N].

    Nothing can be made from the others, and nothing put in their place would be like them.
    """
    empty = train.labelled & ~train.present
    if empty.any():
        logging.info("%d labelled training rows have no modality and are left out", empty.sum())
    return train.labelled & train.present
