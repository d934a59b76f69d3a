"""The page of a predicted conversation in a browser: it plays turns, with a mouse or without."""

import json

import pytest
from made_media import babble, write_media
from made_predictions import MARKUP, make_made_prediction
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from cberl.predict.outputs.write_outputs import write_outputs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A page beside a recording of eight seconds."""
    root = tmp_path_factory.mktemp("conversation")
    media = write_media(root / "rec/a talk.mp4", babble(8, 16000), 8)
    write_outputs(root / "out", make_made_prediction(media), root, {}, {"a talk": 8.0})
    return root / "out"


@pytest.fixture
def page(browser, folder):
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get((folder / "a_talk.html").as_uri())
    WebDriverWait(browser, 10).until(
        lambda page: page.execute_script("return document.getElementById('player').readyState") > 0
    )
    return browser


def turn(page, number):
    return page.find_element("id", f"turn{number}")


def current(page):
    return [
        element.get_attribute("data-turn")
        for element in page.find_elements("css selector", ".turn[aria-current]")
    ]


def time_of(page):
    return page.execute_script("return document.getElementById('player').currentTime")


def playing(page):
    return page.execute_script("return !document.getElementById('player').paused")


def test_it_is_quiet_and_asks_for_nothing_but_the_recording(page):
    assert page.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        # The browser's own signs on the player.
        and not message["params"]["request"]["url"].startswith("data:")
    ]
    assert {url.rsplit("/", 1)[-1] for url in urls} == {"a_talk.html", "a%20talk.mp4"}


def test_text_of_the_conversation_is_shown_as_text(page):
    assert page.title == "a talk – emotions"
    assert turn(page, 2).find_element("css selector", ".said").text == MARKUP


def test_a_click_plays_the_turn_and_stops_at_its_end(page):
    turn(page, 3).find_element("css selector", ".said").click()
    WebDriverWait(page, 10).until(playing)
    assert current(page) == ["3"]
    WebDriverWait(page, 10).until(lambda page: not playing(page))
    assert 6.0 <= time_of(page) < 6.6


def test_a_mark_on_the_timeline_plays_its_turn(page):
    page.find_element("css selector", '.mark[data-turn="1"]').click()
    WebDriverWait(page, 10).until(playing)
    assert current(page) == ["1"]
    assert 2.0 <= time_of(page) < 3.25


def test_keys_walk_through_the_turns_and_play_them(page):
    turn(page, 0).find_element("tag name", "button").send_keys(Keys.ARROW_DOWN)
    focused = page.switch_to.active_element
    assert focused.text == "0:02 Ben"
    focused.send_keys(Keys.ENTER)
    WebDriverWait(page, 10).until(playing)
    assert current(page) == ["1"]
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not playing(page)


def test_the_turn_under_the_cursor_is_lit_in_list_and_timeline(page):
    ActionChains(page).move_to_element(turn(page, 1)).perform()
    lit = page.find_elements("css selector", ".lit")
    assert [element.get_attribute("data-turn") for element in lit] == ["1", "1"]
    ActionChains(page).move_to_element(
        page.find_element("css selector", '.mark[data-turn="0"]')
    ).perform()
    lit = page.find_elements("css selector", ".lit")
    assert [element.get_attribute("data-turn") for element in lit] == ["0", "0"]


def test_the_page_follows_the_recording(page):
    page.execute_script("document.getElementById('player').currentTime = 5")
    WebDriverWait(page, 10).until(lambda page: current(page) == ["3"])
    assert page.find_element("css selector", "#now .chip").text == "joy!"
    assert page.execute_script("return document.getElementById('head').style.left") == "66.6667%"


def test_uncertain_turns_say_so_in_words(page):
    assert "uncertain" in turn(page, 1).text
    assert "uncertain" not in turn(page, 0).text
    assert "no times" in turn(page, 5).text


def test_a_screen_reader_meets_names_for_all_that_it_meets(page):
    nodes = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {
        role: [
            node["name"]["value"]
            for node in nodes
            if not node.get("ignored") and node.get("role", {}).get("value") == role
        ]
        for role in ("button", "heading", "list", "image", "region", "figure")
    }
    assert "0:00 Ann" in named["button"]
    assert named["heading"] == ["a talk"]
    assert all(named["image"])
    assert all(named["region"])
    assert all(named["figure"])
    assert any(name.startswith("joy 40 percent") for name in named["image"])


def test_print_leaves_the_conversation_and_drops_the_player(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not page.find_element("id", "player").is_displayed()
        assert turn(page, 5).is_displayed()
        assert page.find_element("css selector", ".timeline").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_narrow_screens_need_no_sideways_scrolling(page):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        width = page.execute_script("return document.documentElement.scrollWidth")
        assert width <= 360
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_recording_that_is_gone_is_told(browser, folder, tmp_path):
    lonely = tmp_path / "lonely.html"
    lonely.write_bytes((folder / "a_talk.html").read_bytes())
    browser.get(lonely.as_uri())
    WebDriverWait(browser, 10).until(lambda page: page.find_element("id", "absent").is_displayed())
    assert len(browser.find_elements("css selector", ".turn")) == 6
