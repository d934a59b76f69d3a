import time

import numpy as np
import pandas as pd
import pytest

from cberl.artifacts import open_table, read_matrix, read_table, write_table, write_tensors
from cberl.corpus.tables import LABELS, UTTERANCES
from cberl.errors import InputError
from cberl.features.feature_rows import feature_rows
from cberl.features.tables import FEATURES
from cberl.oversample.dialogue_copies import (
    CONTEXT_TURNS,
    fill_copies,
    open_synthetic,
    plan_copies,
    read_training,
)
from cberl.oversample.tables import SYNTHETIC
from cberl.oversample.target_counts import target_counts
from cberl.rows import LabelledRows

CLASSES = ("neutral", "joy", "fear", "disgust")
WANTED = np.array([0, 20, 48, 54])


def write_places(path, plan, samples):
    with open_table(path, SYNTHETIC, {}) as table:
        for frame, matrices in fill_copies(plan, samples):
            table.write(frame, matrices)


@pytest.fixture
def planned(make_rows, make_train):
    rows = make_rows()
    train = make_train(rows.ids)
    return rows, train, plan_copies(train, rows.labels, WANTED, seed=3)


def test_each_class_gets_exactly_what_is_wanted(planned):
    *_, plan = planned
    assert np.bincount(plan.labels, minlength=4).tolist() == WANTED.tolist()
    assert plan.frame["is_synthetic"].sum() == WANTED.sum()


def test_a_replaced_turn_has_the_class_of_its_source(planned):
    rows, train, plan = planned
    replaced = plan.frame[plan.frame["is_synthetic"]]
    own = dict(zip(train["utterance_id"], rows.labels, strict=True))
    assert [own[name] for name in replaced["source_utterance_id"]] == plan.labels.tolist()


def test_a_copy_is_its_dialogue_turn_by_turn(planned):
    _, train, plan = planned
    originals = dict(iter(train.groupby("dialogue_id")))
    for name, copy in plan.frame.groupby("dialogue_id", sort=False):
        source, count = name.rsplit("~", 1)
        assert int(count) >= 1
        original = originals[source]
        assert copy["source_utterance_id"].tolist() == original["utterance_id"].tolist()
        assert copy["speaker"].tolist() == original["speaker"].tolist()
        assert copy["turn"].tolist() == list(range(len(original)))
        assert copy["is_synthetic"].any()
        expected = [f"{name}/{own.rsplit('/', 1)[1]}" for own in original["utterance_id"]]
        assert copy["utterance_id"].tolist() == expected


def test_copies_are_numbered_from_one_without_gaps(planned):
    *_, plan = planned
    names = plan.frame["dialogue_id"].drop_duplicates().str.rsplit("~", n=1, expand=True)
    for _, counts in names.groupby(0)[1]:
        assert counts.astype(int).tolist() == list(range(1, len(counts) + 1))


def test_every_turn_of_a_scarce_class_is_taken_about_equally_often(planned):
    rows, train, plan = planned
    replaced = plan.frame[plan.frame["is_synthetic"]]
    taken = replaced["source_utterance_id"].value_counts()
    scarce = train["utterance_id"][rows.labels == 3]
    assert set(scarce) <= set(taken.index)


def test_the_seed_decides(make_rows, make_train):
    rows = make_rows()
    train = make_train(rows.ids)
    first, again, other = (plan_copies(train, rows.labels, WANTED, seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert not first.frame.equals(other.frame)


def test_training_rows_are_read_and_their_places_planned(make_train, tmp_path):
    ids = np.array([f"train/{name}" for name in ("a/0", "a/1", "b/0", "b/1")], dtype=object)
    table = make_train(ids).assign(text="")
    others = table.assign(
        **{name: table[name].str.replace("train", "dev") for name in ("utterance_id", "split")},
        dialogue_id=table["dialogue_id"].str.replace("train", "dev"),
    )
    table = pd.concat([others, table], ignore_index=True)
    table["split_group"] = table["dialogue_id"]
    write_table(
        tmp_path / "utterances.parquet", UTTERANCES, table.reindex(columns=UTTERANCES.names), {}
    )
    labels = pd.DataFrame({"utterance_id": ids, "label": ["neutral", "joy", "neutral", "joy"]})
    facts = {"classes": CLASSES, "split": "train"}
    write_table(tmp_path / "labels.parquet", LABELS, labels, {}, metadata=facts)
    matrix = np.array([[1.0], [3.0], [5.0], [np.nan]], np.float32)
    rows = feature_rows(ids, matrix)
    facts = {"modality": "text", "split": "train"}
    write_table(tmp_path / "text.parquet", FEATURES, rows, {}, {"features": matrix}, facts)
    scaler = {"text.mean": np.array([1], np.float32), "text.scale": np.array([2], np.float32)}
    write_tensors(tmp_path / "scaler.safetensors", "scaler", scaler, {})

    def read(target):
        names = ("scaler.safetensors", "utterances.parquet", "labels.parquet")
        paths = (tmp_path / name for name in names)
        return read_training([tmp_path / "text.parquet"], *paths, target, seed=0)

    train, plan = read("balanced")
    assert train.take(slice(None)).values["text"].tolist() == [[0], [1], [2], [0]]
    assert train.labels.tolist() == [0, 1, 0, -1]  # nothing can be made of the last row
    assert train.classes == CLASSES
    assert plan.labels.tolist() == [1]
    assert plan.frame["utterance_id"].tolist() == ["train/a~1/0", "train/a~1/1"]
    assert read("none")[1].frame.empty


@pytest.mark.parametrize("split", ["dev", "test"])
def test_other_splits_are_refused(planned, split):
    rows, train, _ = planned
    train.loc[5, "split"] = split
    with pytest.raises(InputError, match=f"row {train['utterance_id'][5]} is not"):
        plan_copies(train, rows.labels, WANTED, seed=0)


def test_rows_wanted_of_an_absent_class_are_a_mistake(planned):
    rows, train, _ = planned
    with pytest.raises(ValueError, match="class number 3"):
        plan_copies(train, np.where(rows.labels == 3, -1, rows.labels), WANTED, seed=0)


def test_a_long_dialogue_is_copied_around_its_synthetic_turns(make_train):
    ids = np.array([f"train/long/{n}" for n in range(2000)], dtype=object)
    labels = np.zeros(2000, dtype=np.int64)
    labels[1000] = 1
    plan = plan_copies(make_train(ids), labels, np.array([0, 100]), seed=0)
    assert len(plan.frame) == 100 * (2 * CONTEXT_TURNS + 1)
    first = plan.frame.iloc[: 2 * CONTEXT_TURNS + 1]
    assert first["turn"].tolist() == list(range(len(first)))
    assert first["source_utterance_id"].iloc[0] == f"train/long/{1000 - CONTEXT_TURNS}"


def test_a_dialogue_of_one_utterance_is_copied(make_train):
    train = make_train(np.array(["train/a/0", "train/b/0"], dtype=object))
    plan = plan_copies(train, np.array([0, 1]), np.array([0, 3]), seed=0)
    assert plan.frame["utterance_id"].tolist() == ["train/b~1/0", "train/b~2/0", "train/b~3/0"]


def test_utterances_whose_names_hold_a_slash_stay_apart(make_train):
    train = make_train(np.array(["train/a/x/1", "train/a/y/1"], dtype=object))
    train["dialogue_id"], train["turn"] = "train/a", [0, 1]
    plan = plan_copies(train, np.array([0, 1]), np.array([0, 1]), seed=0)
    assert plan.frame["utterance_id"].tolist() == ["train/a~1/x/1", "train/a~1/y/1"]


def test_samples_come_back_as_they_were_written(planned, tmp_path):
    real, _, plan = planned
    rows = np.concatenate([np.flatnonzero(real.labels == n)[:1] for n in plan.labels])
    samples = real.take(rows)
    samples.available["audio"][3] = False
    samples.values["audio"][3] = 0
    path = tmp_path / "synthetic.parquet"
    write_places(path, plan, samples)

    read = open_synthetic(path, ("text", "audio", "video"), CLASSES).take(slice(None))
    generated = plan.frame["is_synthetic"]
    assert read.ids.tolist() == plan.frame["utterance_id"][generated].tolist()
    assert read.labels.tolist() == plan.labels.tolist()
    for modality in samples.modalities:
        np.testing.assert_array_equal(read.values[modality], samples.values[modality])
        np.testing.assert_array_equal(read.available[modality], samples.available[modality])
    assert not read.available["audio"][3]

    table = read_table(path, SYNTHETIC)
    assert table["label"].isna().equals(~table["is_synthetic"])
    assert table["text_available"].isna().equals(~table["is_synthetic"])
    context = ~table["is_synthetic"].to_numpy()
    assert np.isnan(read_matrix(path, "video")[context]).all()


def test_rows_are_written_in_pieces(planned, tmp_path, monkeypatch):
    real, _, plan = planned
    rows = np.concatenate([np.flatnonzero(real.labels == n)[:1] for n in plan.labels])
    write_places(tmp_path / "whole.parquet", plan, real.take(rows))
    monkeypatch.setattr("cberl.oversample.dialogue_copies.ROWS_AT_ONCE", 7)
    write_places(tmp_path / "pieces.parquet", plan, real.take(rows))
    whole, pieces = (tmp_path / f"{name}.parquet" for name in ("whole", "pieces"))
    pd.testing.assert_frame_equal(read_table(whole, SYNTHETIC), read_table(pieces, SYNTHETIC))
    np.testing.assert_array_equal(read_matrix(whole, "text"), read_matrix(pieces, "text"))
    read = open_synthetic(pieces, ("text",)).take(slice(None))
    assert not read.labelled.any()
    np.testing.assert_array_equal(read.values["text"], real.values["text"][rows])


def test_without_samples_the_table_is_empty_and_knows_its_widths(make_rows, make_train, tmp_path):
    rows = make_rows()
    plan = plan_copies(make_train(rows.ids), rows.labels, np.zeros(4, dtype=np.int64), seed=0)
    path = tmp_path / "synthetic.parquet"
    write_places(path, plan, rows.take(np.empty(0, dtype=int)))
    assert len(read_table(path, SYNTHETIC)) == 0
    read = open_synthetic(path, ("text", "audio", "video"), CLASSES).take(slice(None))
    assert len(read) == 0
    assert read.values["text"].shape == (0, 12)


def test_a_modality_that_was_not_written_is_named(planned, tmp_path):
    rows, _, plan = planned
    samples = rows.take(np.zeros(len(plan.labels), dtype=int))
    text = LabelledRows(
        samples.ids, {"text": samples.values["text"]}, {}, samples.labels, samples.classes
    )
    write_places(tmp_path / "synthetic.parquet", plan, text)
    with pytest.raises(InputError, match="has no column audio_available"):
        open_synthetic(tmp_path / "synthetic.parquet", ("text", "audio")).take(slice(None))


def test_as_many_samples_as_places(planned):
    rows, _, plan = planned
    with pytest.raises(ValueError, match=r"5 samples for 122 places"):
        next(fill_copies(plan, rows.take(np.arange(5))))


def test_a_corpus_of_melds_size_is_balanced_in_seconds(make_train):
    draw = np.random.default_rng(0)
    counts = [4710, 1743, 1205, 1109, 683, 271, 268]  # training rows per emotion of MELD
    labels = draw.permutation(np.repeat(np.arange(7), counts))
    lengths = np.append(draw.integers(1, 19, 1000), 300)
    dialogues = np.repeat(np.arange(len(lengths)), lengths)[: len(labels)]
    ids = np.array([f"train/{d}/{n}" for n, d in enumerate(dialogues)], dtype=object)
    labels = labels[: len(ids)]
    rows = LabelledRows(ids, {"text": np.ones((len(ids), 1))}, {}, labels, tuple("abcdefg"))
    wanted = target_counts(rows, "balanced")
    started = time.process_time()
    plan = plan_copies(make_train(ids), labels, wanted, seed=0)
    assert np.bincount(plan.labels, minlength=7).tolist() == wanted.tolist()
    # An algorithm that looks at rows one by one takes minutes; this is no measure of speed.
    assert time.process_time() - started < 20
    assert len(plan.frame) < 5 * wanted.sum()
