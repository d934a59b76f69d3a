"""What the benchmarks promise of themselves beside the numbers: statuses, names, whole files."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from made_encoders import text_encoder
from made_results import make_results
from sklearn.metrics import f1_score

from cberl.artifacts import read_table, read_tensors, write_table, write_tensors
from cberl.configuration import PROJECT
from cberl.corpus.tables import LABELS, UTTERANCES
from cberl.features.feature_rows import feature_rows
from cberl.features.settings import TextEncoderSettings
from cberl.features.tables import FEATURES, LOG_PROBABILITIES
from cberl.features.text.extract import TextEncoder
from cberl.features.text.transformer import load_transformer


@pytest.fixture
def benchmark(monkeypatch):
    """Import a benchmark by its name; what it prints into docs/ is left out."""
    monkeypatch.syspath_prepend(PROJECT / "benchmarks")

    def load(name):
        sys.modules.pop(name, None)
        return __import__(name)

    return load


def run_pipeline_benchmark(benchmark, monkeypatch, wall):
    pipeline = benchmark("pipeline")
    jobs = [benchmark("snakemake_runs").JobTimes("train_gnn", 0.0, wall)]
    for name, value in {
        "run_snakemake": lambda folder, environment=None: 1.0,
        "read_clock": lambda path: pd.DataFrame({"seconds": [1.0], "imports_s": [0.2]}),
        "read_jobs": lambda folder: jobs,
        "peak_memories": lambda logs: {"train_gnn.log": 100},
        "replace_section": lambda name, text: None,
        "BOUNDS": pipeline.BOUNDS | {"whole run, s": wall},
    }.items():
        monkeypatch.setattr(pipeline, name, value)
    return pipeline.main()


def test_the_pipelines_benchmark_fails_where_a_bound_is_missed(benchmark, monkeypatch):
    assert run_pipeline_benchmark(benchmark, monkeypatch, wall=1.0) == 0
    assert run_pipeline_benchmark(benchmark, monkeypatch, wall=0.9) == 1


@pytest.fixture
def small_corpus(benchmark, monkeypatch):
    """The benchmarks' made-up corpus, so small that an epoch takes no time."""
    sizes = benchmark("melds_size")
    for name, value in {
        "COUNTS": (20, 10, 5),
        "CLASSES": 3,
        "UTTERANCES": 35,
        "DIALOGUES": 6,
        "WIDTHS": {"text": 4, "audio": 3},
    }.items():
        monkeypatch.setattr(sizes, name, value)
    return sizes


@pytest.mark.parametrize("name", ["oversample", "fuse"])
def test_an_epoch_is_timed_beside_its_bare_layers(benchmark, small_corpus, name):
    rows = small_corpus.make_rows(np.random.default_rng(0))
    seconds = benchmark(name).time_epochs(rows, rounds=1, device="cpu")
    assert min(seconds) > 0


def test_samples_for_balanced_classes_are_timed(benchmark, small_corpus):
    rows = small_corpus.make_rows(np.random.default_rng(0))
    assert min(benchmark("oversample").time_samples(rows)) > 0


@pytest.mark.parametrize("mask_weight", [0.0, 0.5])
def test_an_epoch_of_the_network_is_timed_beside_its_bare_layers(
    benchmark, small_corpus, mask_weight
):
    training = benchmark("train")
    conversations, _ = training.make_conversations()
    seconds = training.compare(conversations, mask_weight, rounds=1, device="cpu")
    assert min(seconds) > 0


@pytest.mark.parametrize(("seconds", "status"), [(0.1, 0), (1e6, 1)])
def test_the_reports_benchmark_fails_where_a_bound_is_missed(
    benchmark, monkeypatch, seconds, status
):
    report, page = benchmark("report"), benchmark("results_page")
    monkeypatch.setattr(page, "replace_section", lambda name, text: None)
    for name, value in {
        "show": page.show,
        "DIALOGUES": dict.fromkeys(report.DIALOGUES, 4),
        "VARIANTS": ("baseline", "cberl"),
        "time_evaluation": lambda made: seconds,
        "time_page": lambda path: 0.1,
    }.items():
        monkeypatch.setattr(report, name, value)
    assert report.main() == status


@pytest.mark.parametrize(("failing", "status"), [("nothing", 0), ("first", 2), ("--flat", 2)])
def test_both_comparisons_of_features_are_made_whatever_they_say(tmp_path, failing, status):
    python = tmp_path / "python"
    fails = {"nothing": "false", "first": "[ $# = 1 ]", "--flat": "[ $# = 2 ]"}[failing]
    python.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nif {fails}; then exit 1; fi\n')
    python.chmod(0o755)
    command = ["make", "-o", ".venv/installed", "bench-features", f"BIN={tmp_path}", "MELD="]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
    assert done.returncode == status, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["benchmarks/features.py", "benchmarks/features.py --flat"]


def test_oversampling_of_meld_has_a_corpus_name_that_no_configuration_has(
    benchmark, monkeypatch, tmp_path
):
    oversampling = benchmark("oversample_meld")
    commands = []
    monkeypatch.setattr(
        oversampling, "run_snakemake", lambda folder, *arguments, **_: commands.append(arguments)
    )
    oversampling.run_pipeline(tmp_path, tmp_path, "1")
    corpus = next(word for word in commands[0] if word.startswith("corpus="))
    name = json.loads(corpus.removeprefix("corpus="))["name"]
    assert oversampling.PLACE.startswith(f"results/{name}/")
    shipped = "".join(path.read_text() for path in (PROJECT / "config").glob("*.yaml"))
    assert f"name: {name}\n" not in shipped


def test_a_clip_that_was_being_written_is_not_kept(benchmark, monkeypatch, tmp_path):
    corpus = benchmark("full_corpus")
    target = tmp_path / "dia0_utt0.mp4"

    def stop_halfway(path, data):
        with path.open("wb") as handle:
            handle.write(data[:2])
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(type(target), "write_bytes", stop_halfway)
        with pytest.raises(KeyboardInterrupt):
            corpus.write_whole(target, b"whole")
    assert not target.exists()
    corpus.write_whole(target, b"whole")
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


def test_a_seed_of_the_evidence_is_whole(benchmark, monkeypatch, tmp_path):
    evidence = benchmark("evidence")
    folders = []
    monkeypatch.setattr(evidence, "run_snakemake", lambda folder, *_, **__: folders.append(folder))
    settings = evidence.read_config(PROJECT / "benchmarks/evidence_pair.yaml", tmp_path)
    for seed in (0, 1):
        evidence.run_seed(settings, seed, tmp_path / f"seed{seed}", "1")
    configs = [
        yaml.safe_load((tmp_path / f"seed{seed}/config.yaml").read_text()) for seed in (0, 1)
    ]
    assert [config["seeds"] for config in configs] == [[0], [1]]
    encoders = [config["features"]["text"]["encoders"] for config in configs]
    folds = encoders[0][0]["finetune"]["folds"]
    for one, other in zip(*encoders, strict=True):
        assert other["finetune"]["seed"] - one["finetune"]["seed"] >= folds
        assert other["encoder"] == one["encoder"]
    assert folders == [tmp_path / "seed0", tmp_path / "seed1"]


def test_the_evidence_is_of_the_seeds_that_are_done(benchmark, tmp_path):
    evidence = benchmark("evidence")
    for seed in (0, 3):
        make_results(tmp_path / f"seed{seed}/results/made", seeds=(seed,))
    (tmp_path / "seed4/results/made/train").mkdir(parents=True)
    models, classes = evidence.read_seeds(tmp_path, "made", {})
    assert {(one.variant, one.seed) for one in models} == {
        (variant, seed) for variant in ("baseline", "cberl") for seed in (0, 3)
    }
    tables = evidence.report(evidence.in_order(models, ["cberl", "baseline"]), classes, [])
    assert "seeds: 2" in tables
    first = next(line for line in tables.splitlines() if line.startswith("| cberl"))
    mean = np.mean(
        [
            f1_score(one.truth[one.labelled], one.predicted[one.labelled], average="weighted")
            for one in models
            if one.variant == "cberl"
        ]
    )
    assert f"{100 * mean:.1f}" in first
    with pytest.raises(SystemExit, match="no seed is done"):
        evidence.read_seeds(tmp_path, "other", {})


def test_encoders_alone_are_arms_of_the_evidence(benchmark, tmp_path):
    alone = benchmark("encoders_alone")
    made = make_results(tmp_path, shares={"neutral": 0.7, "fear": 0.15, "joy": 0.1})
    labels = made.label_paths()
    utterances = read_table(made.folder / "corpus/utterances.parquet", UTTERANCES)
    assert alone.predict_by_encoders(made.folder, 0, utterances, labels) == []
    # Every row leans towards the most frequent class; what is right comes second.
    frequent = made.classes[0]
    for split, path in labels.items():
        rows = read_table(path, LABELS).iloc[::-1].reset_index(drop=True)
        numbers = np.array([made.classes.index(name) for name in rows["label"].fillna(frequent)])
        chances = np.full((len(rows), len(made.classes)), 0.05)
        chances[np.arange(len(rows)), numbers] = 0.4
        chances[:, 0] = np.where(numbers == 0, 0.9, 0.41)
        vectors = np.concatenate([np.ones((len(rows), 3)), np.log(chances)], axis=1)
        vectors[rows["label"].isna()] = np.nan
        write_table(
            made.folder / f"features/text/{split}.parquet",
            FEATURES,
            feature_rows(rows["utterance_id"], vectors),
            {},
            {"features": vectors.astype(np.float32)},
            {"modality": "text", LOG_PROBABILITIES: made.classes},
        )
    plain, adjusted = alone.predict_by_encoders(made.folder, 0, utterances, labels)
    assert [plain.variant, adjusted.variant] == [alone.ENCODERS, alone.ADJUSTED]
    known = adjusted.labelled
    assert (plain.predicted[known] == 0).all()
    assert (adjusted.predicted[known] == adjusted.truth[known]).all()
    assert np.allclose(adjusted.probabilities.sum(axis=1), 1)


def test_each_of_several_encoders_is_an_arm_of_the_evidence(benchmark, tmp_path):
    each = benchmark("each_encoder")
    made = make_results(tmp_path / "results")
    utterances = read_table(made.folder / "corpus/utterances.parquet", UTTERANCES)
    labels = made.label_paths()["test"]
    folders = [text_encoder(tmp_path / name) for name in ("small", "other")]
    settings = {"encoders": [{"encoder": str(folder), "max_tokens": 32} for folder in folders]}
    arguments = (settings, 0, utterances, labels)
    assert each.predict_by_each(made.folder, *arguments) == []
    generator = np.random.default_rng(0)
    weights = {0: [], 1: []}
    for position, folder in enumerate(folders):
        for fold in range(2):
            path = made.folder / f"features/text/fold{2 * position + fold}/encoder.safetensors"
            model = load_transformer(str(folder)).model
            tensors = {f"encoder.{key}": value.numpy() for key, value in model.state_dict().items()}
            shape = (len(made.classes), 16)
            tensors["classifier.weight"] = generator.standard_normal(shape).astype(np.float32)
            tensors["classifier.bias"] = np.zeros(len(made.classes), dtype=np.float32)
            facts = {"encoder": folder.name, "held_out": [], "classes": made.classes}
            write_tensors(path, "encoder", tensors, {}, facts | {"position": position})
            weights[position].append(path)
    found = each.predict_by_each(made.folder, *arguments)
    assert [one.variant for one in found] == ["encoder_1_small", "encoder_2_other"]
    rows = utterances[utterances["split"] == "test"].reset_index(drop=True)
    for position, one in enumerate(found):
        own = TextEncoder(
            TextEncoderSettings(str(folders[position]), max_tokens=32), weights[position], "cpu"
        )
        dialogues = rows["dialogue_id"].to_numpy(object)
        known = own.log_probabilities(own.open(rows), np.arange(len(rows)), dialogues)
        has_text = np.isfinite(known).all(axis=1)
        assert (one.predicted[has_text] == known[has_text].argmax(axis=1)).all()
        assert np.allclose(one.probabilities.sum(axis=1), 1, atol=1e-5)
    # What took minutes is done again only where the folds are newer.
    first = weights[0][0]
    tensors, facts = read_tensors(first, "encoder")
    bias = np.where(np.arange(shape[0]) == 1, 1e6, 0).astype(np.float32)
    write_tensors(first, "encoder", tensors | {"classifier.bias": bias}, {}, facts)
    os.utime(first, (0, 0))
    again = each.predict_by_each(made.folder, *arguments)
    assert all((a.predicted == b.predicted).all() for a, b in zip(again, found, strict=True))
    os.utime(first, (2**32, 2**32))
    small, _ = each.predict_by_each(made.folder, *arguments)
    assert (small.predicted[has_text] == 1).all()


def write_features(made, facts=None):
    utterances = read_table(made.folder / "corpus/utterances.parquet", UTTERANCES)
    numbers = {name: number for number, name in enumerate(utterances["utterance_id"])}
    for split, path in made.label_paths().items():
        ids = read_table(path, LABELS)["utterance_id"].iloc[::-1].to_numpy()
        vectors = np.array([[numbers[name], 1.0] for name in ids], np.float32)
        write_table(
            made.folder / f"features/text/{split}.parquet",
            FEATURES,
            feature_rows(ids, vectors),
            {},
            {"features": vectors},
            {"modality": "text"} | (facts or {}),
        )


def test_rotated_each_part_is_the_test_split_once(benchmark, tmp_path):
    rotated = benchmark("rotated")
    made = make_results(tmp_path / "results")
    write_features(made)
    rows, vectors = rotated.read_corpus(made.folder)
    assert vectors["text"][:, 0].tolist() == list(range(len(rows)))
    settings = {"corpus": {"name": "a"}, "modalities": ["text"], "train": {"epochs": 2}}
    tested = []
    for part in range(rotated.PARTS):
        config = rotated.write_part(tmp_path / str(part), part, rows, vectors, settings)
        written = yaml.safe_load(config.read_text(encoding="utf-8"))
        assert written["train"] == {"epochs": 2}
        frame = pd.read_parquet(tmp_path / str(part) / "features.parquet")
        assert (frame.groupby("group")["split"].nunique() == 1).all()
        assert set(frame["split"]) == {"train", "dev", "test"}
        tested += frame.index[frame["split"] == "test"].tolist()
    assert sorted(tested) == list(range(len(rows)))


def test_rotated_features_have_seen_no_label(benchmark, tmp_path):
    rotated = benchmark("rotated")
    made = make_results(tmp_path / "results")
    with pytest.raises(SystemExit, match="has no features"):
        rotated.read_corpus(made.folder)
    write_features(made, {LOG_PROBABILITIES: made.classes})
    with pytest.raises(SystemExit, match="fine-tuned on labels"):
        rotated.read_corpus(made.folder)


def test_rotated_parts_are_scored_as_one(benchmark, tmp_path):
    rotated = benchmark("rotated")
    made = make_results(tmp_path / "results")
    part = rotated.read_part(made.folder)
    joined = rotated.join([part, part])
    assert [(one.variant, one.seed) for one in joined] == [(one.variant, one.seed) for one in part]
    assert len(joined[0].utterances) == len(joined[0].truth) == 2 * len(part[0].truth)
    tables = rotated.report(joined, made.classes)
    f1 = np.mean(
        [
            f1_score(one.truth[one.labelled], one.predicted[one.labelled], average="weighted")
            for one in part
            if one.variant == part[0].variant
        ]
    )
    assert f"{2 * len(part[0].truth)} utterances" in tables
    assert f"{100 * f1:.1f}" in tables


@pytest.mark.parametrize(
    ("found", "ended", "status"), [("same", 0, 0), ("other", 0, 1), ("same", 1, 1)]
)
def test_the_campaign_of_kills_fails_where_a_file_differs_or_a_run_does_not_end(
    benchmark, monkeypatch, tmp_path, found, ended, status
):
    campaign = benchmark("kills")
    runs = []

    class Finished:
        returncode = ended

        def wait(self):
            return 0 if len(runs) == 1 else ended

        def poll(self):
            return None

    def start(folder, *arguments):
        runs.append(arguments)
        return Finished()

    def digests(folder):
        return {"results/six/a.parquet": "same" if folder.name == "whole" else found}

    for name, value in {
        "make_workspace": lambda folder: SimpleNamespace(folder=folder),
        "start_run": start,
        "kill": lambda *arguments: None,
        "wait_for": lambda *arguments: None,
        "digests_of": digests,
        "replace_section": lambda *arguments: None,
    }.items():
        monkeypatch.setattr(campaign, name, value)
    monkeypatch.setattr(sys, "argv", ["kills.py", "--kills", "5"])
    assert campaign.main() == status
    assert runs.count(("--unlock",)) == 5
