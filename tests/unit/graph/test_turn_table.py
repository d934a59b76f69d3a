"""A table of conversations by hand is read as it is meant, or refused with the utterance named."""

import numpy as np
import pandas as pd
import pytest

from cberl.errors import InputError
from cberl.graph.turn_table import pick_turns

IDS = np.array(["d/1", "d/2", "d/10"], dtype=object)


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "utterance_id": ["d/10", "d/2", "d/1", "e/1"],
            "dialogue_id": ["d", "d", "d", "e"],
            "turn": [10, 2, 1, 1],
            "speaker": list("ABAB"),
        },
        index=[7, 7, 8, 9],
    )


def test_rows_come_in_the_order_of_the_utterances(table):
    turns = pick_turns(table, IDS)
    assert turns["utterance_id"].tolist() == IDS.tolist()
    assert turns.index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", [str, float, "string", "category"])
def test_turns_are_numbers_whatever_they_are_stored_as(table, kind):
    assert pick_turns(table.astype({"turn": kind}), IDS)["turn"].tolist() == [1, 2, 10]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.to_dict("list"), "type dict; expected a frame"),
        (lambda table: table.drop(columns="turn"), "no column turn"),
        (lambda table: table.iloc[:-2], "no row for utterance d/1"),
        (lambda table: pd.concat([table, table]), "two rows for utterance d/10"),
        (lambda table: table.assign(dialogue_id=["d", None, "d", "e"]), "no dialogue_id .* d/2"),
        (lambda table: table.assign(speaker=np.nan), "no speaker for utterance d/1"),
        (lambda table: table.assign(turn=[3, np.nan, 1, 1]), "no turn for utterance d/2"),
        (lambda table: table.assign(turn=["3", "two", "1", "1"]), "d/2 is no number"),
        (lambda table: table.assign(turn=0), "d/2 has the turn of another one"),
    ],
)
def test_what_would_change_the_graph_in_silence_is_refused(table, change, words):
    with pytest.raises(InputError, match=words):
        pick_turns(change(table), IDS)


def test_utterances_that_are_there_twice_or_none_at_all_are_refused(table):
    with pytest.raises(InputError, match="rows: utterance d/1 is there twice"):
        pick_turns(table, np.array(["d/1", "d/2", "d/1"], dtype=object))
    with pytest.raises(InputError, match="no rows"):
        pick_turns(table, np.array([], dtype=object))
