"""Evaluation and report at MELD's size: 13 variants, 5 seeds, 2,610 test utterances.

    python benchmarks/report.py

The predictions are made, not trained; what is measured is the arithmetic, the page and the browser.
The machine should be idle. Printed, and written into docs/results.md.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from results_page import show

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "tests"))

from made_results import make_results  # noqa: E402

from cberl.artifacts import read_table  # noqa: E402
from cberl.corpus.tables import QUALITY, UTTERANCES  # noqa: E402
from cberl.evaluate.evaluate_models import evaluate  # noqa: E402
from cberl.evaluate.predictions import read_model_predictions  # noqa: E402
from cberl.report.page import render_page  # noqa: E402

SHARES = {
    "neutral": 0.48,
    "surprise": 0.11,
    "fear": 0.02,
    "sadness": 0.08,
    "joy": 0.15,
    "disgust": 0.03,
    "anger": 0.13,
}
DIALOGUES = {"train": 1998, "dev": 222, "test": 522}  # of 4 to 6 turns: MELD's utterances per split
VARIANTS = ("baseline", *(f"arm{number}" for number in range(1, 12)), "cberl")
RESAMPLES = 1000
BOUNDS = {
    "evaluation of all models, s": 60.0,
    "rendering the page, s": 60.0,
    "size of the page, MB": 15.0,
    "page interactive in Chromium after, s": 3.0,
}


def time_evaluation(made) -> float:
    """Seconds to read all predictions, score them and compare all variants."""
    started = time.perf_counter()
    utterances = read_table(made.folder / "corpus/utterances.parquet", UTTERANCES)
    quality = read_table(made.folder / "corpus/quality.parquet", QUALITY)
    models = read_model_predictions(made.prediction_paths(), utterances, made.label_paths())
    evaluate(models, made.classes, utterances, quality, "made", RESAMPLES, 0.95)
    return time.perf_counter() - started


def time_page(path: Path) -> float:
    """Seconds from opening the page until its filters work, in headless Chromium."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    # Both named: selenium would look for them on the network.
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    browser = webdriver.Chrome(options=options, service=service)
    try:
        browser.get("about:blank")
        started = time.perf_counter()
        browser.get(path.as_uri())
        if browser.execute_script("return document.documentElement.dataset.ready") != "yes":
            raise SystemExit(f"{path}: its scripts did not run to their end")
        return time.perf_counter() - started
    finally:
        browser.quit()


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = make_results(
            folder, VARIANTS, range(5), dialogues=DIALOGUES, shares=SHARES, resamples=10
        )
        evaluation = time_evaluation(made)
        started = time.perf_counter()
        page = render_page(made.run())
        rendering = time.perf_counter() - started
        path = folder / "index.html"
        path.write_text(page, encoding="utf-8")
        size = path.stat().st_size / 1e6
        measured = (evaluation, rendering, size, time_page(path))
    return show("report", dict(zip(BOUNDS, measured, strict=True)), BOUNDS)


if __name__ == "__main__":
    sys.exit(main())
