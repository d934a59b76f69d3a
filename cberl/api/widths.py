"""Whether rows are like those that an estimator was fitted on."""

from collections.abc import Mapping

from cberl.errors import InputError
from cberl.rows import LabelledRows


def check_widths(rows: LabelledRows, widths: Mapping[str, int]) -> None:
    """Refuse rows of other modalities or widths.

    Args:
        widths: modality -> width of the training rows, in their order.

    Raises:
        InputError: they are not the same.
    """
    if list(rows.widths.items()) != list(widths.items()):
        raise InputError(
            f"rows of widths {rows.widths}; expected those of training, in that order: {widths}"
        )
