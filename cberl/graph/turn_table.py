"""A user's own table of conversations as rows of the graph."""

import numpy as np
import pandas as pd

from cberl.errors import InputError

COLUMNS = ("utterance_id", "dialogue_id", "turn", "speaker")


def pick_turns(conversations: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    """The rows of some utterances, in their order.

    Args:
        conversations: columns `COLUMNS`, of these utterances and perhaps others, in any order.
        ids: utterance ids, object [N].

    Returns:
        columns `COLUMNS` [N]; ``turn`` is a number.

    Raises:
        InputError: a column is missing, an utterance has no row or two, a cell is empty, a turn is
            no number or is there twice in a dialogue.
    """
    if not isinstance(conversations, pd.DataFrame):
        raise InputError(f"conversations: type {type(conversations).__name__}; expected a frame")
    absent = [name for name in COLUMNS if name not in conversations]
    if absent:
        raise InputError(f"conversations: no column {absent[0]}; expected {', '.join(COLUMNS)}")
    if not len(ids):
        raise InputError("no rows; expected at least one utterance")
    _refuse_first(pd.Series(ids).duplicated(), ids, "rows: utterance {} is there twice")
    known = conversations["utterance_id"]
    twice = known.duplicated()
    _refuse_first(twice, known, "conversations: two rows for utterance {}; expected one")
    positions = pd.Index(known).get_indexer(ids)
    _refuse_first(positions < 0, ids, "conversations: no row for utterance {}")
    turns = conversations.iloc[positions][list(COLUMNS)].reset_index(drop=True)
    for name in COLUMNS[1:]:
        _refuse_first(turns[name].isna(), ids, f"conversations: no {name} for utterance {{}}")
    # As text, turn 10 would come before turn 2.
    turns["turn"] = pd.to_numeric(turns["turn"].astype(object), errors="coerce")
    words = "conversations: turn of utterance {} is no number; expected its rank in the dialogue"
    _refuse_first(turns["turn"].isna(), ids, words)
    words = "conversations: utterance {} has the turn of another one in its dialogue"
    _refuse_first(turns.duplicated(["dialogue_id", "turn"]), ids, words)
    return turns


def _refuse_first(wrong: pd.Series | np.ndarray, ids: pd.Series | np.ndarray, words: str) -> None:
    wrong = np.asarray(wrong)
    if wrong.any():
        raise InputError(words.format(np.asarray(ids, dtype=object)[int(np.argmax(wrong))]))
