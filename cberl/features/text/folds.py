"""Which dialogues each fold of fine-tuning holds out."""

from collections.abc import Iterable

from cberl.corpus.split import rank_dialogues
from cberl.errors import InputError


def hold_out(dialogues: Iterable[str], folds: int, fold: int, seed: int) -> list[str]:
    """The dialogues of a fold, whose labels its encoder does not see; none if it is the only one.

    Args:
        fold: its number, from 0.
        seed: the same for all folds.

    Raises:
        InputError: there are fewer dialogues than folds.
    """
    if folds == 1:
        return []
    ranked = rank_dialogues(dialogues, seed)
    if folds > len(ranked):
        raise InputError(
            f"features.text.finetune.folds: {folds} folds of {len(ranked)} training dialogues;"
            " expected at most one fold for each"
        )
    return ranked[fold::folds]
