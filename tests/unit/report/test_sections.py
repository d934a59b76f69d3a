"""What single sections of the report show, against the tables behind them."""

import numpy as np
import pytest
from made_results import CLASSES, make_results
from sklearn.metrics import average_precision_score

from cberl.report.confusion import draw_confusions
from cberl.report.conversation_browser import list_conversations
from cberl.report.curves import RECALLS, _interpolated_precision, draw_histories, draw_reliability
from cberl.report.distribution import draw_distribution, tabulate_synthetic_quality
from cberl.report.figures import PALETTE, Figure, error_bars, numbers
from cberl.report.headline import write_headline
from cberl.report.latent_map import MOST_PER_CLASS, choose_rows, draw_latent_map, fit_plane
from cberl.report.quality_section import describe_quality
from cberl.report.run import Place, place_of
from cberl.report.score_bars import (
    draw_contribution,
    draw_per_class,
    draw_subgroups,
    never_predicted,
)
from cberl.tables import ALL_CLASSES


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("made")).run()


def test_headline_names_the_variant_chosen_on_dev_and_its_interval(run):
    evaluation = run.evaluation
    sentences = " ".join(write_headline(evaluation))
    chosen = evaluation.chosen_variant()
    score = evaluation.score(chosen, "macro_f1")
    assert f"{chosen} reaches a macro F1 of {100 * score['mean']:.1f}" in sentences
    assert f"interval {100 * score['lower']:.1f} to {100 * score['upper']:.1f}" in sentences


def test_a_class_that_is_never_predicted_is_named(run):
    frames = run.evaluation.frames
    whole = frames["per_class"]
    silenced = whole.assign(
        predicted=whole["predicted"].where(
            ~((whole["class"] == "fear") & (whole["variant"] == "baseline")), 0
        )
    )
    frames["per_class"] = silenced
    try:
        found = never_predicted(run.evaluation, ["baseline", "cberl"])
    finally:
        frames["per_class"] = whole
    assert found == {"baseline": ["fear"]}
    assert never_predicted(run.evaluation, ["baseline", "cberl"]) == {}


def test_distribution_adds_synthetic_rows_to_recorded_ones(run):
    figure = draw_distribution(run)
    assert figure.labels == ["before oversampling", "after gan"]
    recorded, synthetic = figure.views["after gan"]["data"]
    train = run.utterances.query("split == 'train'")["label"].value_counts()
    assert recorded["y"] == [train[name] for name in CLASSES]
    assert synthetic["y"] == [0, 0, train["fear"]]


def test_quality_of_synthetic_samples_keeps_notes_and_collapse(run):
    (table,) = tabulate_synthetic_quality(run)
    assert table["oversampler"] == "gan"
    assert table["collapsed"] == ["fear"]
    assert table["labels"] == ["fear", ALL_CLASSES]
    row = next(row for row in table["rows"] if row["quantity"] == "two_sample_accuracy")
    assert row["values"][0] == pytest.approx(0.61)
    assert np.isnan(row["values"][1])
    assert f"{ALL_CLASSES}: too few rows" in table["notes"]


def test_bars_per_class_show_means_and_intervals(run):
    bars = draw_per_class(run.evaluation).views["recall"]["data"]
    assert [bar["name"] for bar in bars] == ["baseline", "cberl"]
    row = run.evaluation.score("cberl", "recall", "joy")
    at = CLASSES.index("joy")
    assert bars[1]["y"][at] == pytest.approx(100 * row["mean"], abs=0.01)
    top = bars[1]["y"][at] + bars[1]["error_y"]["array"][at]
    assert top == pytest.approx(100 * row["upper"], abs=0.02)


def test_confusions_show_shares_by_row_and_mean_counts(run):
    left, right = draw_confusions(run.evaluation)
    assert {left.first, right.first} == {"baseline, % of the row", "cberl, % of the row"}
    shares = np.array(left.views["cberl, % of the row"]["data"][0]["z"])
    assert shares.sum(axis=1) == pytest.approx([100] * 3, abs=0.2)
    counts = np.array(left.views["cberl, utterances"]["data"][0]["z"])
    assert counts.sum(axis=1).tolist() == list(run.evaluation.support().values())


def test_contribution_and_subgroups_have_a_view_each(run):
    contribution = draw_contribution(run.evaluation)
    assert contribution.labels[0] == "all classes (macro F1)"
    assert len(contribution.labels) == 3
    assert len(draw_subgroups(run.evaluation).labels) == 4


def test_interpolated_precision_is_the_best_at_that_recall_or_above():
    truth = np.array([True, False, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    precision = _interpolated_precision(truth, scores)
    assert precision[0] == precision[RECALLS <= 0.5].min() == 1
    assert precision[RECALLS > 0.5] == pytest.approx(2 / 3)
    assert np.isnan(_interpolated_precision(np.zeros(4, bool), scores)).all()
    area = average_precision_score(truth, scores)
    assert precision.mean() == pytest.approx(area, abs=0.02)


def test_reliability_keeps_every_prediction(run):
    figure = draw_reliability(run.evaluation)
    assert figure.labels == ["with the temperature", "as trained"]
    for view in figure.views.values():
        _, *lines = view["data"]
        counted = [sum(int(text.split()[0]) for text in line["text"]) for line in lines]
        assert all(text.endswith(" predictions") for line in lines for text in line["text"])
        assert counted == [len(run.evaluation.seeds) * sum(run.evaluation.support().values())] * 2
    before, after = (figure.views[label]["data"][1] for label in reversed(figure.labels))
    assert before["x"] != after["x"]
    assert before["name"] != after["name"]


def test_histories_have_a_view_per_model_and_quantity(run):
    figure = draw_histories(run)
    assert set(figure.labels) == {
        f"{kind}: {name}" for kind in ("classifier", "VAE", "GAN") for name in ("loss", "macro F1")
    }
    lines = figure.views["classifier: loss"]["data"]
    assert len(lines) == 2 * 2 * 2  # variants, seeds, splits
    assert sum(line["showlegend"] for line in lines) == 4


def test_latent_map_tells_recorded_from_synthetic(run):
    figure = draw_latent_map(run)
    assert figure.labels == ["gan-vae, test", "gan-vae, train"]
    traces = figure.views["gan-vae, train"]["data"]
    synthetic = [trace for trace in traces if trace["name"].endswith(", synthetic")]
    assert [trace["name"] for trace in synthetic] == ["fear, synthetic"]
    assert [trace["marker"]["symbol"] for trace in traces] == [
        *("circle", "square", "diamond", "diamond-open")
    ]
    recorded = run.utterances.query("split == 'train'")["label"].notna().sum()
    drawn = sum(len(trace["x"]) for trace in traces if trace not in synthetic)
    assert drawn == recorded
    tested = figure.views["gan-vae, test"]["data"]
    labelled = run.utterances.query("split == 'test'")["label"].notna().sum()
    assert sum(len(trace["x"]) for trace in tested) == labelled  # each once, none removed


def test_the_plane_holds_the_directions_of_most_variance():
    draw = np.random.default_rng(0)
    recorded = draw.normal(size=(50, 3)) * [10, 3, 0.1] + 7
    plane = fit_plane(recorded)
    assert plane.shares.sum() > 0.99
    assert plane.project(recorded).mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    aside = plane.project(np.array([[7, 7, 1000]]))
    assert np.abs(aside).max() < 20


@pytest.mark.parametrize("rows", [1, 2])
def test_a_plane_of_very_few_rows_is_defined(rows):
    plane = fit_plane(np.ones((rows, 4)))
    assert np.isfinite(plane.project(np.ones((rows, 4)))).all()
    assert np.isfinite(plane.shares).all()


def test_rows_of_the_map_are_bounded_per_class_and_kind():
    labels = np.array(["joy"] * 1000 + ["fear"] * 10 + [None] * 5, dtype=object)
    synthetic = np.zeros(len(labels), bool)
    synthetic[:400] = True
    chosen = choose_rows(labels, synthetic)
    assert len(chosen) == 2 * MOST_PER_CLASS + 10
    assert np.array_equal(chosen, choose_rows(labels, synthetic))


def test_conversations_hold_every_test_turn_once_and_whole_percents(run):
    data = list_conversations(run)
    test = run.utterances.query("split == 'test'")
    assert data["turns"]["text"] == test["text"].tolist()
    assert sum(size for _, size in data["dialogues"]) == len(test)
    made = data["predictions"]["cberl"]
    percents = np.array(made["percent"]).reshape(len(test), 3)
    assert (np.abs(percents.sum(axis=1) - 100) <= 2).all()
    assert set(made["right"]) <= {-1, 0, 1, 2}
    unlabelled = test["label"].isna().to_numpy()
    assert (np.array(made["right"])[unlabelled] == -1).all()
    missing = np.array(data["turns"]["missing"]) == "audio, video"
    quality = run.quality[~run.quality["available"]]["utterance_id"]
    assert missing.tolist() == test["utterance_id"].isin(quality).tolist()


def test_corpus_quality_counts_reasons(run):
    found = describe_quality(run)
    absent = run.quality[~run.quality["available"]]
    assert sum(row["count"] for row in found["reasons"]) == len(absent) == found["unavailable"]
    assert {row["modality"] for row in found["reasons"]} == {"audio", "video"}


def test_places_are_read_from_paths():
    assert place_of("results/a/fuse/vae/seed3/history.parquet") == Place("fuse", "vae", 3)
    path = "results/a/features/text/fold2/history.parquet"
    assert place_of(path) == Place("features", "text fold2", None)


def test_classes_called_by_numbers_are_names_on_the_axes(run):
    evaluation = run.evaluation
    bars = [draw_distribution(run), draw_per_class(evaluation), draw_contribution(evaluation)]
    for figure in [*bars, *draw_confusions(evaluation)]:
        for view in figure.views.values():
            assert view["layout"]["xaxis"]["type"] == "category"
    for view in draw_confusions(evaluation)[0].views.values():
        assert view["layout"]["yaxis"]["type"] == "category"


def test_figures_refuse_nothing_and_hide_what_is_undefined():
    assert numbers([1 / 3, np.nan]) == [0.3333, None]
    assert error_bars([0.5], [np.nan], [0.7]) == {"visible": False}
    bars = error_bars([0.5, 0.5], [np.nan, 0.4], [0.7, 0.7])
    assert bars["arrayminus"] == [None, 10]
    figure = Figure("name", "caption", {"only": {"data": [], "layout": {}}})
    assert figure.payload()["first"] == "only"
    assert len(set(PALETTE)) == len(PALETTE)
