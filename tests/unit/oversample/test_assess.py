import numpy as np
import pytest

from cberl.artifacts import write_table
from cberl.oversample.quality.assess import QUANTITIES, assess_synthetic
from cberl.oversample.quality.neighbours import density_and_coverage, distances_to_nearest
from cberl.oversample.resample import resample
from cberl.oversample.tables import SYNTHETIC_QUALITY
from cberl.tables import ALL_CLASSES


@pytest.fixture
def corpus(make_rows):
    return make_rows((120, 60, 40, 30), missing=0.05), make_rows((30, 20, 15, 10), seed=1)


def assess(corpus, samples):
    return assess_synthetic(samples, *corpus, seed=0)


def value(quality, label, quantity):
    row = quality[(quality["label"] == label) & (quality["quantity"] == quantity)]
    assert len(row) == 1
    return row["value"].iloc[0]


def test_fresh_rows_of_the_same_kind_are_found_good(corpus, make_rows, tmp_path):
    samples = make_rows((0, 60, 60, 60), missing=0.05, seed=2)
    quality = assess(corpus, samples)
    write_table(tmp_path / "quality.parquet", SYNTHETIC_QUALITY, quality, {})
    for label in ("joy", "fear", "disgust"):
        assert 0.5 < value(quality, label, "density") < 1.6
        assert value(quality, label, "coverage") > 0.8
        assert 0.7 < value(quality, label, "variance_ratio") < 1.5
        assert 0.7 < value(quality, label, "nearest_distance_ratio") < 1.4
        assert value(quality, label, "two_sample_accuracy") < 0.7
        assert value(quality, label, "copy_share") == 0
        assert value(quality, label, "collapsed") == 0
    real = value(quality, ALL_CLASSES, "f1_trained_on_real")
    assert value(quality, ALL_CLASSES, "f1_trained_on_synthetic") > real - 0.1
    link = value(quality, ALL_CLASSES, "cross_modal_real")
    assert value(quality, ALL_CLASSES, "cross_modal_synthetic") == pytest.approx(link, abs=0.15)
    assert value(quality, "fear", "rows_synthetic") == 60
    assert set(quality["quantity"]) == set(QUANTITIES)
    assert "neutral" not in set(quality["label"])


def test_copies_are_found_out(corpus):
    train, _ = corpus
    copies = resample("random", train, np.repeat([1, 2], 40), seed=0)
    quality = assess(corpus, copies)
    assert value(quality, "joy", "copy_share") == 1
    assert value(quality, "joy", "copy_share_real") == 0
    assert value(quality, "fear", "nearest_distance_ratio") == 0


def test_a_collapse_is_said_in_words(corpus, caplog):
    train, _ = corpus
    one = np.flatnonzero(train.labels == 3)[:1]
    samples = train.take(np.repeat(one, 50))
    quality = assess(corpus, samples)
    assert value(quality, "disgust", "collapsed") == 1
    assert value(quality, "disgust", "variance_ratio") < 1e-6
    note = quality[quality["quantity"] == "collapsed"]["note"]
    assert "spread 0.00 times as much" in note.iloc[1]
    assert "disgust: the samples spread" in caplog.text


def test_noise_can_be_told_from_real_rows(corpus, make_rows):
    samples = make_rows((0, 0, 100, 0), missing=0, seed=3)
    draw = np.random.default_rng(0)
    for rows in samples.values.values():
        rows[:] = draw.normal(size=rows.shape)
    quality = assess(corpus, samples)
    assert value(quality, "fear", "two_sample_accuracy") > 0.9
    assert value(quality, "fear", "density") < 0.2
    real = value(quality, "fear", "f1_trained_on_real")
    assert value(quality, "fear", "f1_trained_on_synthetic") < real - 0.2


def test_modalities_out_of_tune_are_heard(corpus, make_rows):
    samples = make_rows((0, 100, 0, 0), missing=0, seed=4)
    before = value(assess(corpus, samples), "joy", "cross_modal_synthetic")
    for position, rows in enumerate(samples.values.values()):
        rows[:] = np.roll(rows, position, axis=0)
    after = value(assess(corpus, samples), "joy", "cross_modal_synthetic")
    assert before > 0.6
    assert after < 0.2


@pytest.mark.parametrize("rows", [1, 2])
def test_a_class_of_hardly_any_rows(make_rows, rows):
    corpus = make_rows((60, 30, 20, rows)), make_rows((20, 10, 5, 0), seed=1)
    train, _ = corpus
    samples = resample("smote", train, np.full(10, 3), seed=0)
    quality = assess(corpus, samples)
    assert np.isnan(value(quality, "disgust", "f1_trained_on_real"))
    assert value(quality, "disgust", "rows_real") == rows
    if rows == 1:
        for quantity in ("density", "coverage", "variance_ratio", "collapsed"):
            assert np.isnan(value(quality, "disgust", quantity))
        assert value(quality, "disgust", "copy_share") == 1
    notes = quality[quality["value"].isna()]["note"]
    assert notes.notna().all()


def test_a_single_modality_has_no_other_to_agree_with(make_rows):
    corpus = make_rows(widths={"text": 12}), make_rows(widths={"text": 12}, seed=1)
    samples = make_rows((0, 0, 0, 20), widths={"text": 12}, seed=2)
    quality = assess(corpus, samples)
    assert np.isnan(value(quality, "disgust", "cross_modal_real"))
    assert value(quality, "disgust", "coverage") > 0.3


def test_without_samples_there_is_nothing_to_say(corpus):
    train, _ = corpus
    quality = assess(corpus, train.take(np.empty(0, dtype=int)))
    assert set(quality["label"]) == {ALL_CLASSES}
    assert value(quality, ALL_CLASSES, "rows_synthetic") == 0


def test_all_missing_audio(corpus):
    silent = [rows.without("audio") for rows in corpus]
    samples = resample("smote", silent[0], np.full(20, 3), seed=0)
    assert value(assess(silent, samples), "disgust", "coverage") > 0.2


def test_density_and_coverage_by_hand(monkeypatch):
    monkeypatch.setattr("cberl.oversample.quality.neighbours.NEIGHBOURS", 1)
    real = np.array([[0.0], [1.0], [3.0]])  # with k = 1 radii are 1, 1, 2
    new = np.array([[0.5], [10.0]])
    density, coverage = density_and_coverage(real, new)
    assert density == pytest.approx(2 / 2)  # 0.5 lies in the balls of 0 and of 1, 10 in none
    assert coverage == pytest.approx(2 / 3)
    to_real, between = distances_to_nearest(real, new)
    assert to_real.tolist() == [0.5, 7.0]
    assert between.tolist() == [1.0, 1.0, 2.0]


def test_the_arguments_stay_as_they_were(corpus):
    train, _ = corpus
    before = {name: rows.copy() for name, rows in train.values.items()}
    assess(corpus, train.take(train.labels == 2))
    for name, rows in before.items():
        np.testing.assert_array_equal(rows, train.values[name])
