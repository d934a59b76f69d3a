"""Reading a corpus, whatever its kind."""

from pathlib import Path

from cberl.corpus.assemble import Corpus
from cberl.corpus.readers.feature_files import read_features_corpus
from cberl.corpus.readers.iemocap import read_iemocap
from cberl.corpus.readers.meld import read_meld
from cberl.corpus.readers.table import read_table_corpus
from cberl.corpus.settings import CorpusSettings

READERS = {
    "meld": read_meld,
    "iemocap": read_iemocap,
    "table": read_table_corpus,
    "features": read_features_corpus,
}
"""Kind of corpus -> its reader: (settings, root) -> `Corpus`."""


def read_corpus(settings: CorpusSettings, root: str | Path) -> Corpus:
    """Read conversations and labels.

    Args:
        settings: the section ``corpus`` of the configuration.
        root: folder of the corpus.

    Raises:
        InputError: naming the file and row that cannot be used, and what was expected.
    """
    return READERS[settings.kind](settings, Path(root))
