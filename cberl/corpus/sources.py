"""Which files hold a corpus's annotations; cheap enough to ask before any job starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cberl.errors import InputError

MELD_CSVS = ("train_sent_emo.csv", "dev_sent_emo.csv", "test_sent_emo.csv")


def annotation_files(settings: Mapping[str, Any], root: Path) -> list[Path]:
    """List the annotation files of a corpus.

    Args:
        settings: the section ``corpus`` of the configuration.
        root: folder of the corpus.

    Raises:
        InputError: the folder or one of the files is not there.
    """
    if not root.is_dir():
        raise InputError(
            f"corpus.root: no such folder {root}; expected a {settings['kind']} corpus"
        )
    files = [root / name for name in MELD_CSVS]
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: no such file; a {settings['kind']} corpus has it")
    return files
