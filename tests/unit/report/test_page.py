"""The report page as a file: whole, self-contained, and safe from the text it carries."""

import json
import re

import pytest
from made_results import CLASSES, MARKUP, make_results

from cberl.report.page import embed_json, render_page


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("made"), variants=("baseline", "cberl")).run()


@pytest.fixture(scope="module")
def page(run):
    return render_page(run)


def own_part(page):
    """The page without plotly.js, which holds addresses of maps that are never drawn."""
    start = page.index("plotly.js v")
    return page[:start] + page[page.index("</script>", start) :]


def test_nothing_is_loaded_from_elsewhere(page):
    own = own_part(page)
    assert not re.search(r"<(script|img|link|iframe)[^>]+(src|href)=\"(?!data:)", own)
    assert "@import" not in own
    assert "default-src 'none'" in own


def test_sections_come_in_the_order_of_interest(page):
    names = re.findall(r'<section id="(\w+)">', page)
    assert names == [
        *("verdict", "classes", "scores", "confusions", "curves", "calibration", "training"),
        *("space", "synthetic", "corpus", "modalities", "parts", "conversations", "origin"),
    ]
    assert re.findall(r'<li><a href="#(\w+)">', page) == names


def test_digests_of_the_inputs_are_not_called_sha_256(page):
    """Those of artifacts are XXH3."""
    assert "digest, first digits" in page
    assert "SHA-256" not in own_part(page)


def test_text_of_the_corpus_cannot_end_the_script_that_holds_it(page):
    own = own_part(page)
    assert MARKUP not in own
    assert "alert(1)</script>" not in own
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', own, re.S)
    texts = json.loads(data.group(1))["conversations"]["turns"]["text"]
    assert MARKUP in texts


def test_embedded_json_has_no_character_with_a_meaning_in_html():
    hostile = {"</script>&<!--\u2028": "'\""}
    text = embed_json(hostile)
    assert json.loads(text) == hostile
    assert not set("<>&\u2028\u2029") & set(text)


def test_values_that_json_does_not_know_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        embed_json({"f1": float("nan")})


def test_the_same_run_gives_the_same_bytes(run, page):
    assert render_page(run) == page


def test_the_verdict_stands_in_the_page_without_scripts(run, page):
    first = page.split("<script")[0]
    assert "chosen on dev" in first
    assert all(name in first for name in CLASSES)
    assert "The video network is untrained" in first


def test_the_page_scripts_set_text_and_never_markup():
    from cberl.report.page import ASSETS

    for name in ("figures.js", "conversations.js"):
        script = (ASSETS / name).read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script
        )


def test_a_run_of_one_variant_one_seed_and_no_oversampling_has_a_page(tmp_path):
    made = make_results(tmp_path, variants=("baseline",), seeds=(0,), dialogues=2)
    for path in [*made.folder.glob("oversample/*/*/*"), *made.folder.glob("fuse/*/*/history*")]:
        path.unlink()
    page = render_page(made.run())
    assert "No variant of this run makes synthetic samples." in page
    assert "1 seed" in page
