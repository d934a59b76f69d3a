"""Published features on their way through a shard to tables by split."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_corpora import SETTINGS

from cberl.corpus.readers.feature_files import read_feature_file
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError
from cberl.features.gather import find_rows, gather_split
from cberl.features.import_features import probe_shard, published_shard

FEATURES = replace(SETTINGS["features"], file="mine.npz")
WIDTH = 6


@pytest.fixture
def corpus(tmp_path):
    """Dialogues whose turns stand between each other's, and whose features are their row."""
    rows = 600
    numbers = np.arange(rows)
    dialogue = numbers % 60
    labels = np.random.default_rng(0).integers(2, size=rows)
    matrix = np.random.default_rng(1).normal(size=(rows, WIDTH))
    matrix[:, 0] = numbers + 1
    matrix[:, 1] += 3 * labels
    matrix[7] = np.nan
    np.savez(
        tmp_path / "mine.npz",
        dialogue=dialogue.astype(str),
        utterance=(numbers // 60).astype(str),
        speaker=np.full(rows, "A"),
        text=np.full(rows, "Hello."),
        label=np.where(labels, "calm", "cross"),
        split=np.where(dialogue < 40, "train", np.where(dialogue < 50, "dev", "test")),
        text_features=matrix,
    )
    return tmp_path, matrix.astype(np.float32)


def test_rows_come_in_the_order_of_the_corpus(corpus):
    root, matrix = corpus
    published = read_feature_file(FEATURES, root)
    utterances = read_corpus(FEATURES, root).utterances
    with published_shard(published, "text", root) as shard:
        rows = find_rows(utterances, [shard])
        for split, count in (("train", 400), ("dev", 100), ("test", 100)):
            ((frame, features),) = gather_split(rows, split)
            own = utterances[utterances["split"] == split]
            assert frame["utterance_id"].tolist() == own["utterance_id"].tolist()
            names = own["utterance_id"].str.split("/", expand=True).astype({1: int, 2: int})
            expected = matrix[names[2] * 60 + names[1]]
            assert len(features) == count
            assert np.array_equal(features, expected, equal_nan=True)
            assert frame["available"].tolist() == (~np.isnan(expected[:, 0])).tolist()
    assert not list(root.glob(".*"))


def test_nothing_is_left_of_features_that_are_broken(corpus):
    root, _ = corpus
    published = read_feature_file(FEATURES, root)
    content = (root / "mine.npz").read_bytes()
    (root / "mine.npz").write_bytes(content[:-2000])
    with pytest.raises(InputError, match="not a whole NPZ file"):
        with published_shard(published, "text", root):
            pass
    assert not list(root.glob(".*"))


def test_a_probe_sees_what_features_say_of_labels(corpus):
    root, _ = corpus
    published = read_feature_file(FEATURES, root)
    utterances = read_corpus(FEATURES, root).utterances
    with published_shard(published, "text", root) as shard:
        probe = probe_shard(shard, published, utterances)
    assert probe.train_folds > 0.8
    assert probe.dev > 0.8
    assert not probe.fitted


def test_utterances_of_another_file_are_not_found(corpus):
    root, _ = corpus
    published = read_feature_file(FEATURES, root)
    other = pd.DataFrame({"utterance_id": ["train/99/0"], "split": "train", "split_group": "99"})
    with published_shard(published, "text", root) as shard:
        with pytest.raises(InputError, match="train/99/0"):
            probe_shard(shard, published, other)
