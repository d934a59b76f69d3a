"""Made parts of pages that people write."""

import pytest

from cberl.generated_section import read_section, replace_section

PAGE = (
    "# Title\n\n<!-- a: begin -->\nold\n<!-- a: end -->\n\n<!-- b: begin --><!-- b: end -->\nEnd.\n"
)


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_only_what_stands_between_the_marks_is_replaced(page):
    replace_section(page, "a", "\n| ± | \n")
    assert page.read_text(encoding="utf-8") == PAGE.replace("\nold\n", "\n\n| ± |\n\n")
    assert read_section(page, "a") == "| ± |"
    assert read_section(page, "b") == ""
    written = page.read_bytes()
    replace_section(page, "a", read_section(page, "a"))
    assert page.read_bytes() == written


@pytest.mark.parametrize("content", ["", "<!-- c: begin -->", "<!-- c: end --><!-- c: begin -->"])
def test_a_page_without_the_marks_is_named_and_stays_as_it_is(page, content):
    page.write_text(content)
    with pytest.raises(
        ValueError, match=r"page\.md: has no section c; expected the marks <!-- c: b"
    ):
        replace_section(page, "c", "text")
    assert page.read_text() == content


def test_the_page_is_written_whole_or_not_at_all(page, monkeypatch):
    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("cberl.whole_files.os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        replace_section(page, "a", "new")
    assert page.read_text(encoding="utf-8") == PAGE
    assert list(page.parent.iterdir()) == [page]
