"""Pages with a generated part between two marks; all else is written by hand."""

from pathlib import Path

from cberl.artifacts import write_text


def marks_of(name: str) -> tuple[str, str]:
    """The comments before and after the section ``name``."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def read_section(path: Path, name: str) -> str:
    """The text between the marks of a section, without the white space around it.

    Raises:
        ValueError: the page has not both marks once.
    """
    return _split(path, name)[1].strip()


def replace_section(path: Path, name: str, text: str) -> None:
    """Put ``text`` between the marks of a section.

    Raises:
        ValueError: the page has not both marks once.
    """
    begin, end = marks_of(name)
    before, _, after = _split(path, name)
    write_text(path, f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}")


def _split(path: Path, name: str) -> tuple[str, str, str]:
    """The text before, between and after the marks."""
    begin, end = marks_of(name)
    page = path.read_text(encoding="utf-8")
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise ValueError(f"{path}: has no section {name}; expected the marks {begin} and {end}")
    before, rest = page.split(begin)
    between, after = rest.split(end)
    return before, between, after
