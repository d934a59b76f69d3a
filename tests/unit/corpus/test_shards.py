"""Shards: whole dialogues, each in exactly one."""

import pandas as pd
import pytest

from cberl.corpus.shards import count_shards, select_shard

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


@pytest.mark.parametrize(
    ("utterances", "expected"),
    [(0, (1, 1)), (300, (1, 1)), (1500, (4, 1)), (13_708, (32, 2)), (411_000, (1024, 64))],
)
def test_shards_follow_the_number_of_utterances(tmp_path, utterances, expected):
    """MELD has 13,708."""
    file = tmp_path / "train_sent_emo.csv"
    file.write_text("Hi.,neutral\n" * utterances)
    assert count_shards("auto", [file]) == expected


def test_a_number_of_shards_is_that_of_the_clips_and_the_most_of_the_texts(tmp_path):
    file = tmp_path / "utterances.parquet"
    pd.DataFrame({"text": ["Hi."] * 28_000}).to_parquet(file)
    assert count_shards(2, [file]) == (2, 2)
    assert count_shards(16, [file]) == (16, 4)


def test_evaluations_of_iemocap_are_no_utterances_and_broken_files_wait_for_their_reader(tmp_path):
    evaluation = tmp_path / "EmoEvaluation/Ses01F_impro01.txt"
    evaluation.parent.mkdir()
    evaluation.write_text("\n" * 9000)
    (tmp_path / "broken.parquet").write_bytes(b"nothing of the kind")
    assert count_shards("auto", [evaluation, tmp_path / "broken.parquet"]) == (1, 1)
