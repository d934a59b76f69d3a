"""The report in a browser: quiet, offline, usable, and safe from the text it shows."""

import base64
import json

import pytest
from made_results import CLASSES, MARKUP, make_results

from cberl.artifacts import read_table
from cberl.evaluate.tables import SCORED
from cberl.report.page import render_page


def requests_of(page):
    """Addresses that the page asked for; images inside the page itself are none."""
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        and not message["params"]["request"]["url"].startswith("data:")
    ]


def draw_everything(page):
    """Draw all figures at once, as printing does, and wait until each has taken its size."""
    page.execute_async_script(
        "window.dispatchEvent(new Event('beforeprint'));"
        "const places = [...document.querySelectorAll('[data-figure]')];"
        "Promise.all(places.map((place) => Plotly.Plots.resize(place))).then(arguments[0]);"
    )


def choose(page, name, value):
    page.execute_script(
        "const field = document.getElementById('filters').elements[arguments[0]];"
        "field[field.type === 'checkbox' ? 'checked' : 'value'] = arguments[1];"
        "field.dispatchEvent(new Event('input', { bubbles: true }));",
        name,
        value,
    )


def settle(page):
    """Let events that are under way arrive."""
    page.execute_async_script("setTimeout(arguments[0], 100)")


def press_enter(element):
    element.send_keys("\ue007")  # WebDriver's code of the key


def found(page):
    return page.find_element("id", "found").text


def texts(page, selector):
    return [element.text for element in page.find_elements("css selector", selector)]


@pytest.fixture(scope="module")
def scored(made):
    rows = read_table(made.evaluation_paths()["scored"], SCORED)
    return rows[rows["split"] == "test"]


def test_it_loads_with_no_console_message_and_no_request(page, page_path):
    draw_everything(page)
    assert page.execute_script("return document.documentElement.dataset.ready") == "yes"
    assert page.get_log("browser") == []
    assert requests_of(page) == [page_path.as_uri()]


def test_no_button_sends_anything_away(page):
    draw_everything(page)
    names = page.execute_script(
        "return [...new Set([...document.querySelectorAll('.modebar-btn')]"
        ".map((button) => button.getAttribute('aria-label')))].sort()"
    )
    assert names == ["Download plot", "Pan", "Reset axes", "Zoom", "Zoom in", "Zoom out"]


def test_no_table_is_cut_on_a_small_screen(page):
    page.set_window_size(1300, 1000)
    try:
        cut = page.execute_script(
            "return [...document.querySelectorAll('.scroll')]"
            ".filter((box) => box.scrollWidth > box.clientWidth)"
            ".map((box) => box.textContent.trim().slice(0, 60));"
        )
    finally:
        page.set_window_size(1400, 1000)
    assert cut == []


def test_every_figure_is_drawn(page):
    draw_everything(page)
    places = page.find_elements("css selector", "[data-figure]")
    assert len(places) == 10
    for place in places:
        assert place.find_elements("css selector", ".main-svg"), place.get_attribute("data-figure")


def test_every_view_of_every_figure_draws_without_a_message(page):
    draw_everything(page)
    page.execute_script(
        "document.querySelectorAll('select[data-views]').forEach((select) => {"
        "  for (const option of select.options) {"
        "    select.value = option.value;"
        "    select.dispatchEvent(new Event('change'));"
        "  }"
        "});"
        "document.querySelectorAll('details').forEach((details) => { details.open = true; });"
    )
    assert page.get_log("browser") == []


def test_switching_a_view_changes_the_figure_and_its_numbers(page):
    draw_everything(page)
    details = page.find_element("css selector", "details[data-numbers=per-class]")
    press_enter(details.find_element("css selector", "summary"))
    settle(page)
    before = details.text
    assert all(name in before for name in CLASSES)
    page.execute_script(
        "const select = document.querySelector('select[data-views=per-class]');"
        "select.value = 'recall'; select.dispatchEvent(new Event('change'));"
    )
    assert details.text != before
    title = page.execute_script(
        "return document.querySelector('[data-figure=per-class]').layout.yaxis.title.text"
    )
    assert title == "recall on test, %"


def test_markup_in_a_label_is_text(browser, tmp_path):
    label = '<a href="https://example.org">joy</a> & <b>bold</b>'
    made = make_results(tmp_path, shares={"neutral": 0.5, label: 0.3, "fear": 0.2})
    path = tmp_path / "index.html"
    path.write_text(render_page(made.run()), encoding="utf-8")
    browser.get(path.as_uri())
    draw_everything(browser)
    assert label in texts(browser, "#confusion-0 .ytick text, #confusion-0 .yaxislayer-above text")
    assert browser.find_elements("css selector", ".plot a") == []
    press_enter(browser.find_element("css selector", "[data-numbers=per-class] summary"))
    settle(browser)
    assert label in browser.find_element("css selector", "[data-numbers=per-class]").text


def test_markup_in_a_transcript_is_text(page):
    assert MARKUP in texts(page, ".said")
    assert "made" in page.title
    assert page.execute_script("return document.querySelectorAll('main img').length") == 0
    scripts = page.execute_script(
        "return [...document.scripts].filter((s) => s.textContent.startsWith('alert')).length"
    )
    assert scripts == 0


def test_filter_by_class(page, scored):
    choose(page, "truth", str(CLASSES.index("fear")))
    expected = scored.drop_duplicates("utterance_id")
    expected = expected[expected["label"] == "fear"]
    dialogues = expected["dialogue_id"].nunique()
    assert found(page) == f"{len(expected)} utterances in {dialogues} of 20 conversations"
    choose(page, "matching", True)
    chips = texts(page, ".scored > span:first-child .chip")
    assert set(chips) == {"fear"}


def test_filter_by_error(page, scored):
    choose(page, "outcome", "wrong")
    choose(page, "matching", True)
    turns = page.find_elements("css selector", ".turn")
    assert turns
    for turn in turns:
        truth, predicted = (chip.text for chip in turn.find_elements("css selector", ".chip"))
        assert truth != predicted
    wrong = int(found(page).split()[0])
    choose(page, "outcome", "right")
    right = int(found(page).split()[0])
    labelled = scored.drop_duplicates("utterance_id")["label"].notna().sum()
    assert wrong + right == labelled


def test_filter_by_words_and_clear(page):
    everything = found(page)
    choose(page, "words", "turn 1, so")
    assert found(page) != everything
    choose(page, "matching", True)
    assert set(texts(page, ".said")) == {"Turn 1, so it goes."}
    press_enter(page.find_element("css selector", "#filters [type=reset]"))
    settle(page)
    assert found(page) == everything


def test_pages_of_conversations_turn(page):
    first = texts(page, ".dialogue h3")
    press_enter(page.find_element("id", "next"))
    second = texts(page, ".dialogue h3")
    assert len(first) == len(second) == 8
    assert not set(first) & set(second)
    press_enter(page.find_element("id", "previous"))
    assert texts(page, ".dialogue h3") == first


def test_a_click_on_a_confusion_shows_its_utterances(page):
    page.execute_script(
        "document.dispatchEvent(new CustomEvent('show-confusion', "
        "{ detail: { variant: 'baseline', truth: 1, predicted: 0 } }))"
    )
    choose(page, "matching", True)
    for turn in page.find_elements("css selector", ".turn"):
        chips = [chip.text for chip in turn.find_elements("css selector", ".chip")]
        assert chips == ["joy", "neutral"]


def test_the_keyboard_reaches_every_control(page):
    reached = page.execute_script(
        "const controls = [...document.querySelectorAll('main select, main input, main summary, "
        "main a, main button:not(:disabled)')];"
        "return controls.filter((one) => { one.focus(); return document.activeElement !== one; })"
        ".map((one) => one.outerHTML)"
    )
    assert reached == []
    unnamed = page.execute_script(
        "return [...document.querySelectorAll('main select, main input')]"
        ".filter((one) => !one.labels.length).length"
    )
    assert unnamed == 0


def test_print_holds_every_figure_and_no_controls(page):
    pdf = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert pdf.startswith(b"%PDF")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not any(
            element.is_displayed()
            for element in page.find_elements("css selector", "nav, .filters, .pager")
        )
        drawn = page.execute_script("return document.querySelectorAll('[data-drawn]').length")
        assert drawn == 10
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_screenshot_shows_more_than_a_blank_page(page, tmp_path):
    path = tmp_path / "report.png"
    assert page.save_screenshot(str(path))
    assert path.stat().st_size > 30_000
