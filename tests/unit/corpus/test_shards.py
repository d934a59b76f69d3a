"""Shards: whole dialogues, each in exactly one."""

import pandas as pd
import pytest

from cberl.corpus.shards import select_shard

UTTERANCES = pd.DataFrame(
    {
        "dialogue_id": ["train/5", "train/5", "train/2", "dev/5", "test/0", "test/0"],
        "utterance_id": list("abcdef"),
    }
)


def shard(item):
    return select_shard(UTTERANCES, item)["utterance_id"].tolist()


def test_dialogues_are_dealt_in_order():
    assert [shard("1-of-2"), shard("2-of-2")] == [["a", "b", "d"], ["c", "e", "f"]]


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 9])
def test_each_utterance_is_in_exactly_one_shard(shards):
    dealt = [row for number in range(1, shards + 1) for row in shard(f"{number}-of-{shards}")]
    assert sorted(dealt) == list("abcdef")


def test_more_shards_than_dialogues_leave_some_empty():
    assert shard("9-of-9") == []
    assert list(select_shard(UTTERANCES, "9-of-9").columns) == list(UTTERANCES.columns)


@pytest.mark.parametrize("item", ["0-of-2", "3-of-2", "two", "1-of-"])
def test_other_names_are_refused(item):
    with pytest.raises(ValueError, match="not of the form"):
        shard(item)
