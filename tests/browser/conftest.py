"""A headless Chromium, and the report of made results opened in it from disk."""

import shutil
from pathlib import Path

import pytest
from made_results import make_results

from cberl.report.page import render_page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
DRIVER = shutil.which("chromedriver") or ""


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests, with its console and its requests logged."""
    webdriver = pytest.importorskip("selenium.webdriver")
    if not CHROMIUM or not DRIVER:
        pytest.skip("needs Chromium and chromedriver on the PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--window-size=1400,1000")
    options.add_argument("--force-prefers-reduced-motion")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Made results of a small corpus, one of whose transcripts is full of markup."""
    return make_results(tmp_path_factory.mktemp("made"), dialogues=20)


@pytest.fixture(scope="session")
def page_path(made, tmp_path_factory) -> Path:
    """The report of the made results."""
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(render_page(made.run()), encoding="utf-8")
    return path


@pytest.fixture
def page(browser, page_path):
    """The report, freshly opened; logs of earlier tests are gone."""
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(page_path.as_uri())
    return browser
