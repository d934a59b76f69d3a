"""Every rule of the workflow, on a six-dialogue corpus: what its outputs hold."""

import os
import re

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from conftest import make_workspace
from made_corpora import corpus_section, make_features, published_fields

from cberl.artifacts import (
    read_header,
    read_matrix,
    read_table,
    read_tensor_header,
    read_tensors,
)
from cberl.configuration import PROJECT
from cberl.corpus.labels import read_classes, read_labels
from cberl.corpus.tables import LABELS, MEDIA, QUALITY, UTTERANCES
from cberl.features.tables import FEATURES
from cberl.fuse.tables import LATENTS
from cberl.graph.tables import NODES
from cberl.modalities import MODALITIES, SPLITS
from cberl.oversample.tables import SYNTHETIC
from cberl.predict.bundle.manifest import check_bundle, read_manifest
from cberl.predict.tables import TURNS
from cberl.tables import HISTORY
from cberl.torchvision_guard import guard_torchvision
from cberl.train.tables import PREDICTIONS

TARGETS = {"all", "check", "features", "predict"}


@pytest.fixture(scope="module")
def results(finished_run):
    return finished_run.folder / "results/six"


@pytest.fixture(scope="module")
def utterances(results):
    return read_table(results / "corpus/utterances.parquet", UTTERANCES)


def ids_of(utterances, split):
    return utterances.loc[utterances["split"] == split, "utterance_id"].tolist()


def test_every_rule_has_a_test():
    text = "".join(path.read_text() for path in (PROJECT / "workflow/rules").glob("*.smk"))
    rules = set(re.findall(r"^\s*rule (\w+):", text, re.MULTILINE)) - TARGETS
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert rules - tested == set()


def test_every_file_says_which_rule_made_it(results):
    for path in results.rglob("*.parquet"):
        provenance = read_header(path)["provenance"]
        assert provenance["rule"]
        assert provenance["code_digest"]
        assert provenance["inputs"]
    for path in results.rglob("*.safetensors"):
        assert read_tensor_header(path)["provenance"]["rule"]


def test_ingest_corpus(results, utterances):
    assert utterances["dialogue_id"].nunique() == 6
    assert "label" not in utterances
    for split in SPLITS:
        labels = read_table(results / f"corpus/labels_{split}.parquet", LABELS)
        assert labels["utterance_id"].tolist() == ids_of(utterances, split)
        assert labels["label"].notna().all()
    train = read_table(results / "corpus/labels_train.parquet", LABELS)
    assert set(train["label"]) == set(
        read_header(results / "corpus/labels_train.parquet")["metadata"]["classes"]
    )


def test_decode_media(results, utterances):
    shards = sorted((results / "corpus/media").glob("*.parquet"))
    assert [path.name for path in shards] == ["1-of-2.parquet", "2-of-2.parquet"]
    media = pd.concat([read_table(path, MEDIA) for path in shards])
    assert sorted(media["utterance_id"]) == sorted(utterances["utterance_id"])
    heard = media[media["audio"].notna()]
    assert len(heard) > 0.9 * len(media)
    assert set(heard["sample_rate"]) == {16000}
    np.testing.assert_allclose(heard["audio"].map(len) / 16000, heard["duration_s"], atol=0.15)
    seen = media[media["frames"].notna()]
    assert set(seen["frames"].map(len)) == {2}
    assert all(frame[:2] == b"\xff\xd8" for frames in seen["frames"] for frame in frames)


def test_assess_quality(results, utterances):
    quality = read_table(results / "corpus/quality.parquet", QUALITY)
    assert len(quality) == len(utterances) * len(MODALITIES)
    assert (quality["available"] == quality["reason"].isna()).all()
    page = (results / "corpus/quality.html").read_text()
    assert page.startswith("<!doctype html>")


def shard_rows(results, modality):
    paths = sorted((results / f"features/{modality}/shards").glob("*.parquet"))
    assert len(paths) == (1 if modality == "text" else 2)  # so few texts are worth one job
    frame = pd.concat([read_table(path, FEATURES) for path in paths], ignore_index=True)
    return frame, np.concatenate([read_matrix(path, "features") for path in paths])


def check_shards(results, utterances, modality, width):
    frame, matrix = shard_rows(results, modality)
    assert sorted(frame["utterance_id"]) == sorted(utterances["utterance_id"])
    assert matrix.shape == (len(utterances), width)
    available = frame["available"].to_numpy()
    assert available.mean() > 0.9
    assert np.isfinite(matrix[available]).all()
    assert np.isnan(matrix[~available]).all()
    assert np.unique(matrix[available].round(4), axis=0).shape[0] > 0.8 * available.sum()


def test_finetune_text(results, utterances, finished_copy):
    features = finished_copy.config["features"]
    tuning = {"enabled": True, "folds": 2, "epochs": 2, "warmup": 0, "learning_rate": 0.0005}
    finished_copy.configure(features=features | {"text": {"finetune": tuning}})
    finished_copy.snakemake("results/six/fuse/vae/seed0/history.parquet")
    tuned = finished_copy.folder / "results/six"
    held_out = []
    for fold in (0, 1):
        encoder = tuned / f"features/text/fold{fold}/encoder.safetensors"
        tensors, facts = read_tensors(encoder, "encoder")
        assert all(np.isfinite(tensor).all() for tensor in tensors.values())
        assert facts["best_epoch"] in (1, 2)
        held_out += facts["held_out"]
        check_history(encoder.with_name("history.parquet"), {"train", "dev"})
        inputs = read_tensor_header(encoder)["provenance"]["inputs"]
        assert not [path for path in inputs if "labels_test" in path]
    in_training = utterances[utterances["split"] == "train"]
    assert sorted(held_out) == sorted(in_training["dialogue_id"].unique())
    classes = read_classes(tuned / "corpus/labels_train.parquet")
    check_shards(tuned, utterances, "text", 384 + len(classes))
    _, published = shard_rows(results, "text")
    _, own = shard_rows(tuned, "text")
    np.testing.assert_array_equal(own[:, :384], published)
    sums = np.exp(own[:, 384:]).sum(axis=1)
    np.testing.assert_allclose(sums[~np.isnan(sums)], 1, rtol=1e-5)
    weights = [
        read_tensors(folder / "fuse/vae/seed0/vae.safetensors", "vae")[1]["class_weight"]
        for folder in (results, tuned)
    ]
    assert weights == [1, 0]


def test_two_text_encoders(results, utterances, finished_copy):
    features = finished_copy.config["features"]
    tuning = {"enabled": True, "folds": 2, "epochs": 1, "learning_rate": 0.0005}
    encoders = [{"finetune": tuning}, {"context_turns": 1, "pooling": "cls"}]
    finished_copy.configure(features=features | {"text": {"encoders": encoders}})
    finished_copy.snakemake("results/six/features/text/train.parquet")
    tuned = finished_copy.folder / "results/six"
    classes = read_classes(tuned / "corpus/labels_train.parquet")
    check_shards(tuned, utterances, "text", 2 * 384 + len(classes))
    _, own = shard_rows(tuned, "text")
    _, published = shard_rows(results, "text")
    np.testing.assert_array_equal(own[:, :384], published)


@pytest.mark.parametrize("tuned", [True, False])
def test_only_training_the_text_encoder_waits_for_the_quality_of_media(workspace, tuned):
    text = {"text": {"finetune": {"enabled": tuned}}}
    workspace.configure(modalities=["text", "audio"], features=text)
    jobs = workspace.jobs_to_run("results/six/features/text/shards/1-of-1.parquet")
    expected = {"ingest_corpus": 1, "extract_text": 1}
    if tuned:
        expected |= {"decode_media": 2, "assess_quality": 1, "finetune_text": 1}
    assert jobs == expected


def test_extract_text(results, utterances):
    check_shards(results, utterances, "text", 384)


def test_extract_audio(results, utterances):
    check_shards(results, utterances, "audio", 88)


@pytest.mark.parametrize("modality", MODALITIES)
def test_what_is_only_waited_for_is_no_origin_of_features(results, modality):
    shards = 1 if modality == "text" else 2
    header = read_header(results / f"features/{modality}/shards/1-of-{shards}.parquet")
    inputs = header["provenance"]["inputs"]
    assert inputs
    assert not [path for path in inputs if "quality" in path]


def test_extract_video(results, utterances):
    check_shards(results, utterances, "video", 512)


def use_published_weights(workspace, modalities):
    video = {"video": {"encoder": "squeezenet1_1", "weights": "DEFAULT"}}
    workspace.configure(features=video, modalities=modalities)


def test_fetch_network(workspace, tmp_path, monkeypatch):
    guard_torchvision()
    from torchvision.models import get_model

    cached = tmp_path / "cache/hub/checkpoints/squeezenet1_1-b8a52dc0.pth"
    cached.parent.mkdir(parents=True)
    torch.save(get_model("squeezenet1_1").state_dict(), cached)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    use_published_weights(workspace, ["video"])
    workspace.snakemake("results/six/features/video/shards/1-of-2.parquet")
    folder = workspace.folder / "results/six/features/video"
    tensors, facts = read_tensors(folder / "network.safetensors", "video_network")
    assert len(tensors) == 52
    assert facts["encoder"] == "torchvision squeezenet1_1"
    told = read_header(folder / "shards/1-of-2.parquet")["metadata"]
    assert told["trained"]
    assert (
        told["weights"] == facts["weights"] == f"https://download.pytorch.org/models/{cached.name}"
    )


def test_weights_that_cannot_be_reached_cost_one_line_and_no_other_modality(
    workspace, tmp_path, monkeypatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    use_published_weights(workspace, ["audio", "video"])
    done = workspace.snakemake("features", check=False)
    assert done.returncode != 0
    assert done.stdout.count("error: ") == 1, done.stdout
    file = tmp_path / "cache/hub/checkpoints/squeezenet1_1-b8a52dc0.pth"
    assert f"put that file at {file}" in done.stdout
    made = {path.name for path in (workspace.folder / "results/six/features").rglob("*.parquet")}
    assert {"train.parquet", "dev.parquet", "test.parquet"} <= made
    assert not (workspace.folder / "results/six/features/video").exists()


@pytest.mark.parametrize("modality", MODALITIES)
def test_gather_features(results, utterances, modality):
    shards, matrix = shard_rows(results, modality)
    of_shards = dict(zip(shards["utterance_id"], matrix, strict=True))
    for split in SPLITS:
        path = results / f"features/{modality}/{split}.parquet"
        ids = read_table(path, FEATURES)["utterance_id"].tolist()
        assert ids == ids_of(utterances, split)
        np.testing.assert_array_equal(
            read_matrix(path, "features"), np.stack([of_shards[name] for name in ids])
        )


def test_fit_scaler(results):
    tensors, _ = read_tensors(results / "features/scaler.safetensors", "scaler")
    for modality in MODALITIES:
        train = read_matrix(results / f"features/{modality}/train.parquet", "features")
        np.testing.assert_allclose(
            tensors[f"{modality}.mean"], np.nanmean(train, axis=0), rtol=1e-3, atol=1e-3
        )
        assert (tensors[f"{modality}.scale"] > 0).all()


def check_history(path, splits):
    history = read_table(path, HISTORY)
    assert set(history["split"]) == splits
    assert np.isfinite(history["value"]).all()
    assert history["epoch"].max() == 2


def test_fit_gan(results):
    folder = results / "oversample/gan/seed0"
    tensors, metadata = read_tensors(folder / "gan.safetensors", "gan")
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    assert len(metadata["classes"]) == 7
    check_history(folder / "history.parquet", {"train"})


def synthetic_rows(results, oversampler):
    return read_table(results / f"oversample/{oversampler}/seed0/synthetic.parquet", SYNTHETIC)


def test_sample_gan(results, utterances):
    synthetic = synthetic_rows(results, "gan")
    made = synthetic[synthetic["is_synthetic"]]
    assert len(made) > 0
    assert (made["label"] != "neutral").all()
    assert synthetic.loc[~synthetic["is_synthetic"], "label"].isna().all()
    assert set(synthetic["source_utterance_id"]) <= set(ids_of(utterances, "train"))
    path = results / "oversample/gan/seed0/synthetic.parquet"
    for modality in MODALITIES:
        features = read_matrix(path, modality)
        # A sample has the modalities of the row that it started from.
        present = synthetic[f"{modality}_available"].eq(True).to_numpy()
        assert present.any()
        assert np.isfinite(features[present]).all()
        assert np.isnan(features[~present]).all()


def test_resample_train(results):
    assert len(synthetic_rows(results, "none")) == 0


def test_assess_synthetic(results):
    quality = pd.read_parquet(results / "oversample/gan/seed0/quality.parquet")
    assert {"label", "quantity", "value"} <= set(quality.columns)
    assert quality["value"].notna().any()


def test_fit_vae(results):
    folder = results / "fuse/vae/seed0"
    tensors, _ = read_tensors(folder / "vae.safetensors", "vae")
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    check_history(folder / "history.parquet", {"train", "dev"})


def check_latents(results, utterances, fused, width, synthetic):
    for split in SPLITS:
        path = results / f"fuse/{fused}/seed0/{split}.parquet"
        frame, latent = read_table(path, LATENTS), read_matrix(path, "latent")
        assert latent.shape == (len(frame), width)
        assert np.isfinite(latent).all()
        whole = frame[frame["removed"] == "none"]
        real = whole.loc[~whole["is_synthetic"], "utterance_id"].tolist()
        assert real == ids_of(utterances, split)
        assert whole["is_synthetic"].sum() == (synthetic if split == "train" else 0)
        removed = set(frame["removed"]) - {"none"}
        assert removed == (set() if split == "train" else set(MODALITIES))


def test_encode_vae(results, utterances):
    made = synthetic_rows(results, "gan")["is_synthetic"].sum()
    check_latents(results, utterances, "gan-vae", 4 + 384 + 88 + 512, made)


def test_concatenate_modalities(results, utterances):
    check_latents(results, utterances, "none-concat", 384 + 88 + 512, 0)


@pytest.mark.parametrize("oversampler", ["none", "gan"])
def test_build_graph(results, utterances, oversampler):
    folder = results / f"graph/{oversampler}/seed0"
    for split in SPLITS:
        nodes = read_table(folder / f"{split}_nodes.parquet", NODES)
        tensors, _ = read_tensors(folder / f"{split}.safetensors", "graph")
        first, second = tensors["edge_index"]
        dialogue = nodes["dialogue_id"].to_numpy()
        assert (dialogue[first] == dialogue[second]).all()
        expected = ids_of(utterances, split)
        if split == "train":
            expected += synthetic_rows(results, oversampler)["utterance_id"].tolist()
        assert nodes["utterance_id"].tolist() == expected


@pytest.mark.parametrize("variant", ["baseline", "cberl"])
def test_train_gnn(results, variant):
    folder = results / f"train/{variant}/seed0"
    tensors, metadata = read_tensors(folder / "model.safetensors", "network")
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    assert len(metadata["classes"]) == 7
    check_history(folder / "history.parquet", {"train", "dev"})
    inputs = read_tensor_header(folder / "model.safetensors")["provenance"]["inputs"]
    assert not [name for name in inputs if "test" in name.split("/")[-1]]


@pytest.mark.parametrize("variant", ["baseline", "cberl"])
def test_predict_gnn(results, utterances, variant):
    path = results / f"train/{variant}/seed0/predictions.parquet"
    frame, probabilities = read_table(path, PREDICTIONS), read_matrix(path, "probabilities")
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-4)
    classes = np.array(read_header(path)["metadata"]["classes"])
    assert (classes[probabilities.argmax(axis=1)] == frame["predicted"]).all()
    whole = frame[frame["removed"] == "none"]
    assert whole["utterance_id"].tolist() == ids_of(utterances, "dev") + ids_of(utterances, "test")


def test_evaluate_predictions(results, utterances):
    per_class = pd.read_parquet(results / "evaluate/per_class.parquet")
    test = per_class[(per_class["split"] == "test") & (per_class["variant"] == "baseline")]
    truth = read_labels(
        results / "corpus/labels_test.parquet", np.array(ids_of(utterances, "test"), dtype=object)
    )
    if "removed" in test:
        test = test[test["removed"] == "none"]
    assert test["support"].sum() == len(truth)


def test_render_report(results):
    page = (results / "report/index.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    verdict = (results / "report/verdict.txt").read_text(encoding="utf-8")
    for word in ("precision", "recall", "F1", "support", "neutral", "fear", "baseline", "cberl"):
        assert word in verdict
    assert "report/index.html\ncberl_digest: " in verdict


@pytest.mark.parametrize("variant", ["baseline", "cberl"])
def test_bundle_model(results, variant):
    folder = results / "bundle" / variant
    manifest, _ = read_manifest(folder)
    check_bundle(folder, manifest)
    assert manifest.modalities == ["text", "audio", "video"]
    assert ("vae/seed0.safetensors" in manifest.files) == (variant == "cberl")
    made = results / "train" / variant / "seed0/model.safetensors"
    predictions = read_header(made.with_name("predictions.parquet"))["metadata"]
    assert manifest.temperatures == pytest.approx([predictions["temperature"]], abs=1e-5)
    assert (folder / "network/seed0.safetensors").read_bytes() == made.read_bytes()


def test_predict_recording(finished_copy):
    example = PROJECT / "resources/example"
    table = finished_copy.folder / "recordings.tsv"
    rows = ["name\trecording\ttranscript", f"talk\t{example}/tickets.mp4\t{example}/tickets.srt"]
    rows.append(f"read\t\t{example}/tickets.srt")
    table.write_text("\n".join(rows) + "\n")
    config = finished_copy.folder / "predict.yaml"
    settings = {"name": "new", "bundle": "results/six/bundle/cberl", "recordings": str(table)}
    config.write_text(yaml.safe_dump({"predict": settings}))
    finished_copy.snakemake("predict", "--configfile", str(config))
    folder = finished_copy.folder / "results/new/predict"
    turns = read_table(folder / "talk/turns.parquet", TURNS)
    assert len(turns) == 10
    assert turns["video_available"].all()
    assert (folder / "talk/tickets.html").is_file()
    assert (
        list(read_table(folder / "read/turns.parquet", TURNS)["video_reason"]) == ["missing"] * 10
    )
    assert finished_copy.jobs_to_run("predict", "--configfile", str(config)) == {}
    settings["bundle"] = "nowhere"
    config.write_text(yaml.safe_dump({"predict": settings}))
    refused = finished_copy.snakemake("predict", "--configfile", str(config), check=False)
    assert refused.returncode
    assert "nowhere/manifest.json: no such file; expected the folder of a bundle" in refused.stdout


def test_only_the_evaluation_reads_test_labels():
    for path in (PROJECT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            inputs = rule.split("output:")[0]
            name = rule.split(":")[0]
            if "ingest_corpus.output.labels" in inputs or "labels_test" in inputs:
                assert name in {"evaluate_predictions"}, name


@pytest.fixture(scope="module")
def published_run(tmp_path_factory):
    """A working directory in which published features have been taken in."""
    workspace = make_workspace(tmp_path_factory.mktemp("published"))
    make_features(workspace.folder)
    corpus = corpus_section("features", "published", ".")
    workspace.configure(corpus=corpus, modalities=["text", "audio"])
    workspace.snakemake("features")
    return workspace.folder / "results/published"


def test_import_features(published_run):
    utterances = read_table(published_run / "corpus/utterances.parquet", UTTERANCES)
    fields = published_fields()
    for split in SPLITS:
        path = published_run / f"features/audio/{split}.parquet"
        frame = read_table(path, FEATURES)
        assert frame["utterance_id"].tolist() == ids_of(utterances, split)
        assert frame["available"].all()
        expected = [
            fields["audio"][dialogue][("F000", "M000", "F001").index(name)]
            for _, dialogue, name in frame["utterance_id"].str.split("/")
        ]
        np.testing.assert_allclose(read_matrix(path, "features"), expected, rtol=1e-6)


def test_assess_features(published_run):
    quality = read_table(published_run / "corpus/quality.parquet", QUALITY)
    assert quality["modality"].tolist() == ["text", "audio"] * 18
    assert quality["available"].all()
    assert (published_run / "corpus/quality.html").exists()


def test_memory_follows_the_size_of_what_a_job_reads(finished_copy):
    def asked():
        printed = finished_copy.snakemake("-n", "--forcerun", "fit_vae").stdout
        rule = printed.split("rule fit_vae:")[1].split("\n\n")[0]
        return int(re.search(r"mem_mb=(\d+)", rule)[1])

    before = asked()
    features = finished_copy.folder / "results/six/features/text/train.parquet"
    os.truncate(features, features.stat().st_size + 100_000_000)
    assert asked() == pytest.approx(before + 130, abs=1)
