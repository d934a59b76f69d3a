"""What re-runs after a change, and what does not."""

import re
import shutil

import pytest
from conftest import make_workspace
from made_corpora import corpus_section, make_features

from cberl.artifacts import read_table
from cberl.configuration import PROJECT
from cberl.corpus.tables import UTTERANCES


def test_a_second_run_has_nothing_to_do(finished_run):
    assert "Nothing to be done" in finished_run.snakemake().stdout


def test_a_classifier_setting_reruns_training_and_what_follows(finished_copy):
    finished_copy.configure(train=finished_copy.config["train"] | {"dropout": 0.4})
    assert set(finished_copy.jobs_to_run()) == {
        "train_gnn",
        "predict_gnn",
        "evaluate_predictions",
        "render_report",
        "bundle_model",
        "all",
    }


@pytest.fixture(scope="module")
def resampled_run(tmp_path_factory):
    """A workspace in which text has been resampled in every way that trains nothing."""
    workspace = make_workspace(tmp_path_factory.mktemp("resampled"))
    table = workspace.folder / "config/variants.tsv"
    header = "variant\toversampler\tfusion\tloss\tdialogue_sampling\tmask_weight\n"
    rows = [f"{name}\t{name}\tconcat\tcross_entropy\tuniform\t0\n" for name in RESAMPLERS]
    table.write_text(header + "".join(rows))
    workspace.configure(modalities=["text"], variants=str(table))
    workspace.snakemake(*synthetic_files(*RESAMPLERS))
    return workspace


RESAMPLERS = ("none", "random", "smote")


def synthetic_files(*oversamplers):
    return [f"results/six/oversample/{name}/seed0/synthetic.parquet" for name in oversamplers]


@pytest.mark.parametrize(
    ("changed", "remade"),
    [({"smote": {"neighbours": 2}}, {"smote"}), ({"target": "balanced"}, {"random", "smote"})],
)
def test_resampling_is_redone_where_its_own_setting_changed(resampled_run, changed, remade):
    before = resampled_run.config
    resampled_run.configure(oversample=before["oversample"] | changed)
    jobs = {
        name
        for name in RESAMPLERS
        if "resample_train" in resampled_run.jobs_to_run(*synthetic_files(name))
    }
    resampled_run.configure(**before)
    assert jobs == remade


def test_a_default_that_is_written_down_reruns_nothing(finished_copy):
    finished_copy.configure(train={"weight_decay": 0.01, **finished_copy.config["train"]})
    assert "Nothing to be done" in finished_copy.snakemake().stdout


def test_a_seed_computes_that_seed_only(finished_copy):
    before = finished_copy.jobs_to_run("--forceall")
    finished_copy.configure(seeds=[0, 7])
    jobs = finished_copy.jobs_to_run()
    assert not {"ingest_corpus", "decode_media", "extract_text", "fit_scaler"} & set(jobs)
    assert jobs["train_gnn"] == before["train_gnn"]
    assert jobs["fit_gan"] == jobs["fit_vae"] == 1
    text = finished_copy.snakemake("--dry-run").stdout
    written = re.findall(r"^ +output: (.*)$", text, re.MULTILINE)
    files = [file for line in written for file in line.split(", ")]
    assert any("seed7" in file for file in files)
    # The report and its model cards speak of all seeds together.
    assert not [file for file in files if "seed0" in file and "model_card" not in file]


def test_the_share_that_may_be_unusable_reruns_the_quality_check_and_no_reading(finished_copy):
    corpus = finished_copy.config["corpus"] | {"max_unavailable": 0.9}
    finished_copy.configure(corpus=corpus)
    # A bundle holds the model card.
    jobs = {"assess_quality", "evaluate_predictions", "render_report", "bundle_model", "all"}
    assert set(finished_copy.jobs_to_run()) == jobs


def test_what_changes_together_with_the_quality_check_is_redone_in_the_same_run(finished_copy):
    kept = ["text", "audio"]
    finished_copy.configure(modalities=kept)
    jobs = finished_copy.jobs_to_run()
    assert {"assess_quality", "fit_scaler", "fit_vae", "train_gnn", "predict_gnn"} <= set(jobs)
    assert "extract_text" not in jobs
    share = finished_copy.config["corpus"] | {"max_unavailable": 0.9}
    train = finished_copy.config["train"] | {"dropout": 0.45}
    finished_copy.configure(modalities=[*kept, "video"], corpus=share, train=train)
    jobs = finished_copy.jobs_to_run()
    assert {"assess_quality", "train_gnn"} <= set(jobs)
    assert not {"extract_text", "fit_scaler", "fit_vae"} & set(jobs)


def test_the_share_that_may_be_unusable_imports_no_published_features_anew(workspace):
    make_features(workspace.folder)
    corpus = corpus_section("features", "published", ".")
    workspace.configure(corpus=corpus, modalities=["text", "audio"])
    workspace.snakemake("features")
    workspace.configure(corpus=corpus | {"max_unavailable": 0.9})
    target = "results/published/corpus/quality.parquet"
    assert set(workspace.jobs_to_run("features", target)) == {"assess_features"}


def test_a_clip_that_changes_is_decoded_anew_with_its_shard_alone(finished_copy):
    clip = finished_copy.folder / "six/dev_splits_complete/dia0_utt0.mp4"
    clip.write_bytes(clip.read_bytes()[:-1])
    jobs = finished_copy.jobs_to_run()
    assert jobs["decode_media"] == jobs["extract_audio"] == jobs["extract_video"] == 1
    assert jobs["assess_quality"] == 1
    assert not jobs.keys() & {"ingest_corpus", "extract_text"}


@pytest.fixture
def read_corpus(workspace):
    """A workspace in which the corpus has been read and its media decoded."""
    workspace.configure(modalities=["text", "audio"])
    workspace.snakemake(QUALITY)
    return workspace


QUALITY = "results/six/corpus/quality.parquet"
DECODED_ANEW = {"decode_media": 1, "assess_quality": 1}


def test_a_clip_that_goes_or_comes_is_decoded_with_its_shard_alone(read_corpus):
    clip = read_corpus.folder / "six/dev_splits_complete/dia0_utt0.mp4"
    data = clip.read_bytes()
    clip.unlink()
    assert read_corpus.jobs_to_run(QUALITY) == DECODED_ANEW
    read_corpus.snakemake(QUALITY)
    clip.write_bytes(data)
    assert read_corpus.jobs_to_run(QUALITY) == DECODED_ANEW


def test_a_corrected_clip_is_chosen_by_reading_anew(read_corpus):
    folder = read_corpus.folder / "six/output_repeated_splits_test"
    corrected = folder / "final_videos_testdia0_utt0.mp4"
    shutil.copy(folder / "dia0_utt0.mp4", corrected)
    assert read_corpus.jobs_to_run(QUALITY)["ingest_corpus"] == 1
    read_corpus.snakemake(QUALITY)
    told = read_table(read_corpus.folder / "results/six/corpus/utterances.parquet", UTTERANCES)
    chosen = told.set_index("utterance_id").at["test/0/0", "media_path"]
    assert chosen == f"{folder.name}/{corrected.name}"


def test_clips_that_come_after_the_run_was_stopped_are_found(workspace):
    folder = workspace.folder / "six/train_splits"
    folder.rename(folder.with_name("elsewhere"))
    corpus = workspace.config["corpus"] | {"max_unavailable": 0.1}
    workspace.configure(corpus=corpus, modalities=["audio"])
    target = "results/six/corpus/quality.parquet"
    stopped = workspace.snakemake(target, check=False).stdout
    assert "too much of the corpus cannot be used; audio" in stopped
    assert "train_splits/dia0_utt0.mp4: No such file" in stopped
    folder.with_name("elsewhere").rename(folder)
    workspace.snakemake(target)


@pytest.fixture
def copied_project(tmp_path):
    """The workflow and the package in a folder of their own, to be edited."""
    folder = tmp_path / "project"
    for name in ("cberl", "workflow", "config"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_an_edit_in_fuse_reruns_from_fuse_on(finished_copy, copied_project):
    snakefile = ("--snakefile", str(copied_project / "workflow/Snakefile"))
    assert finished_copy.jobs_to_run(*snakefile) == {}
    module = copied_project / "cberl/fuse/vae/fit.py"
    module.write_text(module.read_text() + "\n\nADDED = 1\n")
    jobs = set(finished_copy.jobs_to_run(*snakefile))
    assert {"fit_vae", "encode_vae", "train_gnn", "predict_gnn", "render_report"} <= jobs
    assert not jobs & {
        "ingest_corpus",
        "decode_media",
        "extract_text",
        "extract_audio",
        "extract_video",
        "gather_features",
        "fit_scaler",
        "fit_gan",
        "sample_gan",
        "resample_train",
    }


def test_a_comment_in_fuse_reruns_nothing(finished_copy, copied_project):
    module = copied_project / "cberl/fuse/vae/fit.py"
    module.write_text(module.read_text() + "\n# A remark.\n")
    snakefile = ("--snakefile", str(copied_project / "workflow/Snakefile"))
    assert finished_copy.jobs_to_run(*snakefile) == {}
