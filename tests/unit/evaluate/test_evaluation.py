"""The evaluate stage as a whole, on made predictions."""

import numpy as np
import pandas as pd
import pytest
from made_results import CLASSES, ORIGIN, make_results

from cberl.artifacts import read_matrix, read_table, write_table
from cberl.corpus.tables import UTTERANCES
from cberl.errors import InputError
from cberl.evaluate import tables
from cberl.evaluate.predictions import read_model_predictions
from cberl.train.tables import PREDICTIONS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("made"), variants=("baseline", "focal", "cberl"))


@pytest.fixture(scope="module")
def found(made):
    paths = made.evaluation_paths()
    return {name: read_table(path, getattr(tables, name.upper())) for name, path in paths.items()}


def test_every_model_split_removal_and_class_has_a_row(found):
    assert len(found["per_class"]) == 3 * 2 * 2 * 4 * len(CLASSES)
    assert len(found["overall"]) == 3 * 2 * 2 * 4
    assert len(found["confusion"]) == 3 * 2 * 2 * 4 * len(CLASSES) ** 2


def test_summary_is_mean_and_deviation_over_seeds_within_its_interval(found):
    overall, summary = found["overall"], found["summary"]
    where = "variant == 'cberl' and split == 'test' and removed == 'none'"
    row = summary.query(f"{where} and metric == 'macro_f1'").squeeze()
    scores = overall.query(where)["macro_f1"]
    assert row["mean"] == pytest.approx(scores.mean())
    assert row["std"] == pytest.approx(scores.std(ddof=1))
    assert row["n"] == 2
    assert row["lower"] <= row["mean"] <= row["upper"]
    assert not summary.duplicated(list(tables.SUMMARY.key)).any()


def test_comparison_holds_every_pair_in_the_order_of_the_variants(found):
    pairs = found["comparison"][["variant", "reference"]].drop_duplicates()
    assert sorted(map(tuple, pairs.to_numpy())) == [
        ("cberl", "baseline"),
        ("cberl", "focal"),
        ("focal", "baseline"),
    ]
    row = found["comparison"].query(
        "variant == 'cberl' and reference == 'baseline' and split == 'test' and metric == 'uar'"
    )
    means = (
        found["summary"]
        .query("split == 'test' and removed == 'none' and metric == 'uar'")
        .set_index("variant")["mean"]
    )
    assert row["difference"].item() == pytest.approx(means["cberl"] - means["baseline"])


def test_the_ensemble_predicts_by_mean_probability(found, made):
    scored = found["scored"].query("variant == 'cberl' and split == 'test'")
    probabilities = read_matrix(made.evaluation_paths()["scored"], "probabilities")[scored.index]
    halves = probabilities.reshape(2, -1, len(CLASSES))  # [seeds, N, K]
    predicted = np.array(CLASSES)[halves.mean(axis=0).argmax(axis=1)]
    truth = scored["label"].to_numpy()[: len(predicted)]
    labelled = pd.notna(truth)
    row = found["ensemble"].query("variant == 'cberl' and split == 'test' and metric == 'accuracy'")
    assert row["value"].item() == pytest.approx((truth == predicted)[labelled].mean())
    assert row["n"].item() == 2
    assert row["lower"].item() <= row["value"].item() <= row["upper"].item()


def test_removing_the_telling_modality_costs_most(found):
    rows = found["contribution"].query("split == 'test' and metric == 'accuracy'")
    mean = rows.groupby("removed")["difference"].mean()
    assert mean.idxmax() == "text"


def test_scored_keeps_unlabelled_utterances_and_names_no_verdict_on_them(found, made):
    scored = found["scored"]
    utterances = read_table(made.folder / "corpus/utterances.parquet", UTTERANCES)
    expected = (utterances["split"] != "train").sum()
    assert (scored.groupby(["variant", "seed"]).size() == expected).all()
    context = scored["label"].isna()
    assert context.any()
    assert scored.loc[context, "correct"].isna().all()
    assert scored.loc[~context, "correct"].notna().all()


def test_predictions_of_other_classes_are_refused(made, tmp_path):
    path = tmp_path / "predictions.parquet"
    write_predictions(path, ["test/0/0"], classes=["calm", "upset"])
    with pytest.raises(InputError, match=r"predictions.parquet: its classes are not"):
        read_predictions(made, path)


def test_an_utterance_left_out_is_refused_by_name(made, tmp_path):
    path = tmp_path / "predictions.parquet"
    write_predictions(path, ["test/0/0"], classes=CLASSES)
    with pytest.raises(InputError, match=r"has no row test/0/1"):
        read_predictions(made, path)


def test_an_unknown_utterance_is_refused_by_name(made, tmp_path):
    path = tmp_path / "predictions.parquet"
    write_predictions(path, ["test/99/0"], classes=CLASSES)
    with pytest.raises(InputError, match=r"has no row test/99/0"):
        read_predictions(made, path)


def write_predictions(path, ids, classes):
    frame = pd.DataFrame(
        {"utterance_id": ids, "removed": "none", "split": "test", "predicted": classes[0]}
    )
    matrix = np.full((len(ids), len(classes)), 1 / len(classes))
    facts = {"classes": classes, "temperature": 1.0}
    write_table(path, PREDICTIONS, frame, ORIGIN, {"probabilities": matrix}, metadata=facts)


def read_predictions(made, path):
    utterances = read_table(made.folder / "corpus/utterances.parquet", UTTERANCES)
    return read_model_predictions({("cberl", 0): path}, utterances, made.label_paths())
