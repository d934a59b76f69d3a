"""Which files hold a corpus's annotations; cheap enough to ask before any job starts."""

from pathlib import Path, PurePosixPath

from cberl.corpus.foreign_files import refuse_foreign
from cberl.corpus.settings import CorpusSettings
from cberl.errors import InputError
from cberl.modalities import SPLITS
from cberl.preflight import check_names

PICKLE_SUFFIXES = (".pkl", ".pickle", ".p")
TABLE_LIKE = (".tsv", ".csv", ".jsonl", ".xlsx", ".parquet", ".npz", *PICKLE_SUFFIXES)
MOST_SHOWN = 5
MELD_CLIP_FOLDERS = {
    "train": ("train_splits",),
    "dev": ("dev_splits_complete", "dev_splits"),
    "test": ("output_repeated_splits_test", "test_splits"),
}
"""Split -> names that its folder of clips has in the archives that go about."""


def annotation_files(settings: CorpusSettings, root: Path) -> list[Path]:
    """List the annotation files of a corpus.

    Args:
        settings: the section ``corpus`` of the configuration.
        root: folder of the corpus.

    Raises:
        InputError: the folder or one of the files is not there; a path has braces in it.
    """
    kind = settings.kind
    files = _find_files(kind, settings, root)
    check_names(files)
    return files


def _find_files(kind: str, settings: CorpusSettings, root: Path) -> list[Path]:
    if not root.is_dir():
        raise InputError(f"corpus.root: no such folder {root}; expected a {kind} corpus")
    if kind == "meld":
        return find_meld_annotations(root)
    if kind == "iemocap":
        return [file for pair in find_iemocap_dialogues(root) for file in pair]
    return [find_corpus_file(settings, root)]


def find_meld_annotations(root: Path) -> list[Path]:
    """Find MELD's tables of the train, dev and test split, in that order."""
    return [_find_meld_annotation(root, split) for split in SPLITS]


def _find_meld_annotation(root: Path, split: str) -> Path:
    name = f"{split}_sent_emo.csv"
    for folder in meld_folders(root, split):
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{root / name}: no such file; a meld corpus has it")


def meld_folders(root: Path, split: str) -> list[Path]:
    """Where a split's table and clips may lie, likeliest first.

    The archive holds one archive per split; people unpack these in place, each into a folder of
    its own, or one level above.
    """
    bases = [root, root / "MELD.Raw", root / "MELD", root / "data" / "MELD"]
    inside = ["", split, *MELD_CLIP_FOLDERS[split]]
    return [base / name for base in bases for name in inside]


def find_iemocap_dialogues(root: Path) -> list[tuple[Path, Path]]:
    """Find transcription and evaluation of each of IEMOCAP's dialogues, by session and name."""
    bases = (root, root / "IEMOCAP_full_release")
    release = next((base for base in bases if (base / "Session1").is_dir()), root)
    pairs = []
    for number in range(1, 6):
        dialogs = release / f"Session{number}" / "dialog"
        transcriptions = sorted((dialogs / "transcriptions").glob("Ses*.txt"))
        if not transcriptions:
            raise InputError(
                f"{dialogs / 'transcriptions'}: no transcriptions; expected Ses*.txt as in "
                "IEMOCAP_full_release"
            )
        for transcription in transcriptions:
            evaluation = dialogs / "EmoEvaluation" / transcription.name
            if not evaluation.is_file():
                raise InputError(f"{evaluation}: no such file; every transcription has one")
            pairs.append((transcription, evaluation))
    return pairs


def find_corpus_file(settings: CorpusSettings, root: Path) -> Path:
    """Find the one file of a corpus of kind table or features.

    Raises:
        InputError: it is not there, or its name leads out of the corpus.
    """
    named = PurePosixPath(settings.file)
    if named.is_absolute() or ".." in named.parts:
        raise InputError(f"corpus.file: {named} leads out of corpus.root; expected a file in it")
    path = root / named
    if not path.is_file():
        others = sorted(root.iterdir()) if root.is_dir() else []
        tables = [other.name for other in others if other.suffix.lower() in TABLE_LIKE]
        there = f" (there: {', '.join(tables[:MOST_SHOWN])})" if tables else ""
        raise InputError(f"{path}: no such file; corpus.file names it, inside corpus.root{there}")
    refuse_foreign(path)
    return path
