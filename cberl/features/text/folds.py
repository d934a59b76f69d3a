"""Which dialogues each fold of fine-tuning holds out."""

import logging
from collections.abc import Sequence

from cberl.corpus.split import rank_dialogues
from cberl.errors import InputError


def hold_out(
    dialogues: Sequence[str], groups: Sequence[str], folds: int, fold: int, seed: int
) -> list[str]:
    """The dialogues of a fold, whose labels its encoder does not see; none if it is the only one.

    What stays together in a split stays together in a fold: otherwise log-probabilities of
    training rows would come from encoders that know the speaker, and those of test rows would not.
    Where there are fewer groups than folds, dialogues are divided one by one.

    Args:
        dialogues: of each training utterance.
        groups: of each, the group that it belongs to; see column ``split_group`` of UTTERANCES.
        fold: its number, from 0.
        seed: the same for all folds.

    Raises:
        InputError: there are fewer dialogues than folds.
    """
    if folds == 1:
        return []
    group_of = dict(zip(dialogues, groups, strict=True))
    if folds > len(group_of):
        raise InputError(
            f"features.text.finetune.folds: {folds} folds of {len(group_of)} training dialogues;"
            " expected at most one fold for each"
        )
    if folds > len(set(group_of.values())):
        logging.warning(
            "%d folds, but %d groups that stay together in a split: folds are divided by dialogue",
            folds,
            len(set(group_of.values())),
        )
        group_of = {name: name for name in group_of}
    members: dict[str, list[str]] = {}
    for name in sorted(group_of):
        members.setdefault(group_of[name], []).append(name)
    own = rank_dialogues(members, seed)[fold::folds]
    return [name for group in own for name in members[group]]
