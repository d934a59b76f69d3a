"""Pages and other texts."""

from pathlib import Path

from cberl.digests import DIGEST_KEY, NO_DIGEST, put_digest
from cberl.whole_files import whole_file


def write_text(path: str | Path, text: str) -> None:
    """Write a text, UTF-8, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_page(path: str | Path, text: str) -> None:
    """Write an HTML or Markdown page or a plain text with a digest of it as a last line."""
    line = f"{DIGEST_KEY}: {NO_DIGEST}"
    with whole_file(path) as temporary:
        last = line if Path(path).suffix == ".txt" else f"<!-- {line} -->"
        temporary.write_text(f"{text.rstrip()}\n{last}\n", encoding="utf-8")
        put_digest(temporary)
