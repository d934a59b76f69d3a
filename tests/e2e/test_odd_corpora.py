"""Corpora at the edge of what can be learnt from run to the end, and their results make sense."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Workspace

from cberl.artifacts import read_matrix, read_table
from cberl.oversample.tables import SYNTHETIC
from cberl.train.tables import PREDICTIONS

WIDTHS = {"text": 12, "audio": 6, "video": 9}
CLASSES = ["awed", "calm", "cross", "fear", "glad"]
LENGTHS = {"train": [1, 2000, 1, 6, 8], "dev": [1, 9, 6], "test": [1, 12, 11]}
LABELS = {
    "train": ["calm"] * 6 + ["glad"] * 3 + ["cross"],
    "dev": ["calm", "glad"],
    "test": ["awed", "calm", "cross"],
}
VARIANTS = """\
variant	oversampler	fusion	loss	dialogue_sampling	mask_weight
cberl	gan	vae	ldam	class_aware	0.5
smote	smote	concat	logit_adjustment	uniform	0
"""


def odd_rows(lengths):
    """A single training row of fear, no cross in dev, awed in test alone, dialogues of one turn."""
    draw = np.random.default_rng(0)
    rows = [
        {
            "split": split,
            "dialogue": f"{split}{dialogue}",
            "utterance": str(turn),
            "speaker": "AB"[draw.integers(2)],
            "label": LABELS[split][draw.integers(len(LABELS[split]))],
        }
        for split in lengths
        for dialogue, turns in enumerate(lengths[split])
        for turn in range(turns)
    ]
    rows[1]["label"] = "fear"
    return pd.DataFrame(rows)


def write_corpus(path, rows, modalities, missing=()):
    """A file of features whose classes differ in every modality that is not missing."""
    draw = np.random.default_rng(1)
    columns = {name: pa.array(rows[name]) for name in rows}
    for name in modalities:
        centres = 2 * draw.normal(size=(len(CLASSES), WIDTHS[name]))
        matrix = centres[rows["label"].map(CLASSES.index)]
        matrix = matrix + draw.normal(size=matrix.shape)
        if name in missing:
            matrix[:] = np.nan
        columns[f"{name}_features"] = pa.array(list(matrix.astype(np.float32)))
    pq.write_table(pa.table(columns), path)


def use_corpus(workspace, modalities, variants, **made):
    (workspace.folder / "odd").mkdir()
    write_corpus(workspace.folder / "odd/odd.parquet", modalities=modalities, **made)
    corpus = {"name": "odd", "kind": "features", "root": "odd", "file": "odd.parquet"}
    workspace.configure(corpus=corpus | {"max_unavailable": 1.0}, modalities=modalities)
    (workspace.folder / "config/variants.tsv").write_text(variants)


def read_predictions(results, variant):
    path = results / f"train/{variant}/seed0/predictions.parquet"
    return read_table(path, PREDICTIONS), read_matrix(path, "probabilities")


@pytest.fixture(scope="module")
def odd_results(tmp_path_factory):
    """Everything odd at once; audio is missing throughout."""
    workspace = Workspace(tmp_path_factory.mktemp("odd"))
    workspace.configure(
        seeds=[0],
        device="cpu",
        oversample={"gan": {"epochs": 2, "hidden_size": 16, "latent_size": 4}},
        fuse={"vae": {"epochs": 2, "hidden_size": 16, "latent_size": 4}},
        train={"epochs": 2, "hidden_size": 8},
        evaluate={"resamples": 20},
    )
    use_corpus(workspace, list(WIDTHS), VARIANTS, rows=odd_rows(LENGTHS), missing=["audio"])
    workspace.snakemake()
    return workspace.folder / "results/odd"


def test_a_class_with_a_single_row_gets_samples_and_a_note_on_what_they_are_worth(odd_results):
    for oversampler in ("gan", "smote"):
        folder = odd_results / f"oversample/{oversampler}/seed0"
        synthetic = read_table(folder / "synthetic.parquet", SYNTHETIC)
        assert (synthetic["label"] == "fear").sum() > 10
        assert not synthetic["audio_available"].eq(True).any()
        quality = pd.read_parquet(folder / "quality.parquet").set_index(["label", "quantity"])
        assert quality.loc[("fear", "rows_real"), "value"] == 1
        assert quality.loc[("fear", "coverage"), "note"] == "too few rows: 1 real"
        assert quality.loc[("cross", "f1_trained_on_both"), "note"] == "no dev row of this class"


def test_a_class_that_only_the_test_split_has_is_scored_and_never_predicted(odd_results):
    log = (odd_results / "logs/sample_gan/seed0.log").read_text()
    assert "awed has no training row" in log
    scores = pd.read_parquet(odd_results / "evaluate/per_class.parquet")
    for variant in ("cberl", "smote"):
        frame, probabilities = read_predictions(odd_results, variant)
        assert "awed" not in set(frame["predicted"])
        assert not probabilities[:, 0].any()
        own = scores[(scores["variant"] == variant) & (scores["removed"] == "none")]
        own = own[own["split"] == "test"].set_index("class")
        assert own.loc["awed", "support"] > 0
        assert own.loc["awed", "f1"] == 0
        assert own.loc["fear", "support"] == 0
        assert np.isnan(own.loc["fear", "f1"])
    assert "awed" in (odd_results / "report/verdict.txt").read_text()


def test_taking_away_what_is_missing_anyway_changes_nothing(odd_results):
    for variant in ("cberl", "smote"):
        frame, probabilities = read_predictions(odd_results, variant)
        whole, deaf, blind = (
            probabilities[(frame["removed"] == removed).to_numpy()]
            for removed in ("none", "audio", "video")
        )
        assert len(whole) == sum(LENGTHS["dev"]) + sum(LENGTHS["test"])
        np.testing.assert_array_equal(whole, deaf)
        assert not np.array_equal(whole, blind)


def test_a_corpus_of_one_modality_and_one_variant(workspace):
    rows = odd_rows(LENGTHS | {"train": [1, 20, 12, 6, 8]})
    use_corpus(workspace, ["audio"], VARIANTS.rpartition("smote\tsmote")[0], rows=rows)
    workspace.snakemake()
    results = workspace.folder / "results/odd"
    frame, probabilities = read_predictions(results, "cberl")
    assert set(frame["removed"]) == {"none"}
    assert np.isfinite(probabilities).all()
    quality = pd.read_parquet(results / "oversample/gan/seed0/quality.parquet")
    notes = quality.loc[quality["quantity"] == "cross_modal_synthetic", "note"]
    assert (notes == "needs two modalities that occur together").all()
    assert (results / "report/index.html").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_end_the_run_by_file_and_row(workspace, value):
    use_corpus(workspace, ["audio"], VARIANTS, rows=odd_rows(LENGTHS))
    path = workspace.folder / "odd/odd.parquet"
    table = pq.read_table(path).to_pydict()
    table["audio_features"][6][3] = value
    pq.write_table(pa.table(table), path)
    done = workspace.snakemake(check=False)
    assert done.returncode != 0
    assert "error: odd/odd.parquet: row 7: audio: NaN or infinite values" in done.stdout
    assert "Traceback" not in done.stdout
