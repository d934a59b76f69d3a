"""Whether features were fitted to the labels of train."""

import json

import numpy as np
import pytest

from cberl.features import probe as probing
from cberl.features.probe import choose_rows, probe_features


def made(train=400, dev=200, told=0.0, seed=0):
    """Features that say a little of the label, and in train ``told`` times as much besides."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 3, train + dev)
    features = draw.normal(size=(train + dev, 20))
    features[:, :3] += 0.8 * np.eye(3)[labels]
    features[:train, 3:6] += told * np.eye(3)[labels[:train]]
    groups = np.arange(train) // 4
    return features[:train], labels[:train], groups, features[train:], labels[train:]


def test_features_that_saw_no_labels_pass():
    probe = probe_features(*made())
    assert not probe.fitted
    assert abs(probe.train_folds - probe.dev) < 0.1


def test_features_that_learnt_the_labels_of_train_are_found():
    probe = probe_features(*made(told=6.0))
    assert probe.train_folds > 0.95
    assert probe.dev < 0.7
    assert probe.fitted


def test_chance_in_a_small_dev_is_no_finding():
    probes = [probe_features(*made(dev=50, seed=seed)) for seed in range(10)]
    assert not any(probe.fitted for probe in probes)


@pytest.mark.parametrize("dev", [50, 400])
def test_findings_are_plain_values(dev):
    facts = probe_features(*made(dev=dev)).facts()
    assert json.loads(json.dumps(facts)) == facts


def test_few_rows_or_groups_are_not_probed():
    assert probe_features(*made(train=40)) is None
    assert probe_features(*made(dev=40)) is None
    train, labels, groups, dev, dev_labels = made()
    assert probe_features(train, labels, groups * 0, dev, dev_labels) is None
    assert probe_features(train, labels * 0, groups, dev, dev_labels) is None


def test_of_many_rows_whole_groups_are_chosen_in_order(monkeypatch):
    groups = np.repeat(np.arange(50), 4)[::-1]
    rows = np.arange(3, 200)
    assert choose_rows(rows, groups) is rows
    monkeypatch.setattr(probing, "MOST_ROWS", 50)
    chosen = choose_rows(rows, groups)
    assert 46 < len(chosen) <= 50
    assert (np.diff(chosen) > 0).all()
    others = np.setdiff1d(rows, chosen)
    assert not np.isin(groups[others], groups[chosen]).any()
