"""Gathering shards of features."""

import numpy as np
import pandas as pd
import pytest

from cberl.errors import InputError
from cberl.features.gather import common_facts, find_rows, gather_split

UTTERANCES = pd.DataFrame(
    {
        "utterance_id": ["train/0/0", "train/0/1", "train/1/0", "dev/0/0", "test/0/0"],
        "split": ["train", "train", "train", "dev", "test"],
    }
)
NAN = [np.nan, np.nan]


def gather(utterances, shards, split):
    """A split that is one piece."""
    (piece,) = gather_split(find_rows(utterances, shards), split)
    return piece


def test_rows_come_in_the_corpus_order_with_absent_rows_kept(write_features):
    shards = [
        write_features("two", ["train/1/0", "test/0/0"], [[5, 6], [9, 10]]),
        write_features("one", ["train/0/0", "train/0/1", "dev/0/0"], [[1, 2], NAN, [7, 8]]),
    ]
    frame, features = gather(UTTERANCES, shards, "train")
    assert frame["utterance_id"].tolist() == ["train/0/0", "train/0/1", "train/1/0"]
    assert frame["available"].tolist() == [True, False, True]
    assert not frame["is_synthetic"].any()
    np.testing.assert_array_equal(features, [[1, 2], NAN, [5, 6]])
    assert gather(UTTERANCES, shards, "test")[1].tolist() == [[9, 10]]


def test_pieces_put_together_are_the_whole(write_features, monkeypatch):
    ids = UTTERANCES["utterance_id"].tolist()
    matrix = np.arange(10, dtype=np.float32).reshape(5, 2)
    shards = [
        write_features("odd", ids[::2], matrix[::2]),
        write_features("b", ids[1::2], matrix[1::2]),
    ]
    monkeypatch.setattr("cberl.features.gather.BYTES_AT_ONCE", 2 * 2 * 4)  # two rows
    pieces = list(gather_split(find_rows(UTTERANCES, shards), "train"))
    assert [len(frame) for frame, _ in pieces] == [2, 1]
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in pieces]), matrix[:3])


def test_a_split_without_utterances_is_an_empty_table(write_features):
    corpus = UTTERANCES[UTTERANCES["split"] != "dev"]
    shards = [write_features("all", corpus["utterance_id"].tolist(), np.ones((4, 2)))]
    frame, features = gather(corpus, shards, "dev")
    assert len(frame) == 0
    assert features.shape == (0, 2)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["train/0/0"], "no shard of features has row train/0/1"),
        ([*UTTERANCES["utterance_id"], "train/9/9"], "has row train/9/9, not in the corpus"),
    ],
)
def test_missing_and_unknown_rows_are_refused(write_features, ids, message):
    path = write_features("shard", ids, np.ones((len(ids), 2)))
    with pytest.raises(InputError, match=message):
        find_rows(UTTERANCES, [path])


def test_a_row_in_two_shards_is_refused(write_features):
    ids = UTTERANCES["utterance_id"].tolist()
    shards = [write_features("all", ids, np.ones((5, 2))), write_features("b", ids[3:4], [[1, 2]])]
    with pytest.raises(InputError, match=r"b.parquet: row dev/0/0 is in another shard"):
        find_rows(UTTERANCES, shards)


def test_shards_of_different_widths_are_refused(write_features):
    ids = UTTERANCES["utterance_id"].tolist()
    shards = [
        write_features("a", ids[:3], np.ones((3, 2))),
        write_features("b", ids[3:], np.ones((2, 3))),
    ]
    with pytest.raises(InputError, match=r"b.parquet: features are 3 wide, others 2"):
        find_rows(UTTERANCES, shards)


def test_shards_must_agree_on_their_encoder(write_features):
    shards = [
        write_features("a", ["train/0/0"], [[1, 2]], {"encoder": "one"}),
        write_features("b", ["train/0/1"], [[1, 2]], {"encoder": "other"}),
    ]
    assert common_facts(shards[:1]) == {"encoder": "one"}
    with pytest.raises(InputError, match=r"b.parquet: was made by another encoder"):
        common_facts(shards)
