"""The verdict and the reports of a real run."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from cberl.configuration import PROJECT

LAST_LINE = "Report: results/six/report/index.html"
ONLY_BY_TIME = ("--rerun-triggers", "mtime")


def test_the_verdict_is_printed_by_the_run_that_makes_it_alone(finished_copy):
    assert LAST_LINE not in finished_copy.snakemake(*ONLY_BY_TIME).stdout
    remade = finished_copy.snakemake(*ONLY_BY_TIME, "--forcerun", "render_report").stdout
    assert remade.count(LAST_LINE) == 1
    part = "results/six/evaluate/summary.parquet"
    partial = finished_copy.snakemake("--forcerun", "evaluate_predictions", "--", part).stdout
    assert "evaluate_predictions" in partial
    assert LAST_LINE not in partial


def test_the_report_and_cards_of_a_real_run_are_whole(finished_run):
    results = finished_run.folder / "results/six"
    page = (results / "report/index.html").read_text(encoding="utf-8")
    assert "\n</html>\n<!-- cberl_digest: " in page[-100:]
    assert "The video network is untrained" in page
    cards = list(results.glob("report/*/seed*/model_card.md"))
    assert len(cards) == len(list(results.glob("train/*/seed*/model.safetensors")))
    assert all("without their knowledge and consent" in card.read_text() for card in cards)


def test_event_files_are_written_where_they_are_wanted(finished_copy):
    results = finished_copy.folder / "results/six"
    assert not list(results.rglob("events.out.tfevents*"))
    finished_copy.configure(tensorboard=True)
    jobs = finished_copy.jobs_to_run(*ONLY_BY_TIME)
    assert {"fit_gan", "fit_vae", "train_gnn"} <= jobs.keys()
    assert not {"decode_media", "extract_text", "gather_features", "fit_scaler"} & jobs.keys()
    finished_copy.snakemake(*ONLY_BY_TIME)
    histories = {path.parent for path in results.rglob("history.parquet")}
    assert {path.parent for path in results.rglob("events.out.tfevents*")} == histories


def test_captions_of_snakemakes_report_state_this_runs_numbers(finished_run, tmp_path):
    archive = tmp_path / "report.zip"
    finished_run.snakemake("--report", str(archive))
    verdict = (finished_run.folder / "results/six/report/verdict.txt").read_text()
    line = next(line for line in verdict.splitlines() if line.startswith("macro F1"))
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        page = opened.read("report/report.html").decode()
    assert line.replace("±", "\\u00b1") in page or line in page
    assert any(name.endswith("index.html") for name in names)
    assert any(name.endswith("model_card.md") for name in names)


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare to be cut off the network")
def test_snakemakes_report_needs_no_network(finished_run, tmp_path):
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("may not leave the network here")
    done = subprocess.run(
        [
            *("unshare", "--net", sys.executable, "-m", "snakemake"),
            *("--snakefile", str(PROJECT / "workflow/Snakefile")),
            *("--report", str(tmp_path / "report.zip")),
        ],
        cwd=finished_run.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.zip").exists()
