"""Whatever is wrong with a file, reading it ends in a corpus or in one line that says so."""

from dataclasses import replace

import numpy as np
import pytest
from made_corpora import (
    SETTINGS,
    iemocap_tuple,
    make_iemocap,
    make_meld,
    published_fields,
    table_rows,
    write_table,
)

from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError

MUTATIONS = 60


def make_npz(path):
    rows = table_rows()
    arrays = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    np.savez_compressed(path, text_features=np.ones((len(rows), 3)), **arrays)


def make_vectors(path):
    write_table(path, [{**row, "text_features": [1.0, 2.0]} for row in table_rows()])


def make_pickle(path):
    import pickle

    path.write_bytes(pickle.dumps(iemocap_tuple(published_fields()), protocol=2))


FILES = {
    ("table", "mine.tsv"): lambda path: write_table(path, table_rows()),
    ("table", "mine.csv"): lambda path: write_table(path, table_rows()),
    ("table", "mine.jsonl"): lambda path: write_table(path, table_rows()),
    ("table", "mine.parquet"): lambda path: write_table(path, table_rows()),
    ("features", "mine.parquet"): make_vectors,
    ("features", "mine.npz"): make_npz,
    ("features", "mine.pkl"): make_pickle,
    ("meld", "dev_sent_emo.csv"): lambda path: make_meld(path.parent),
    ("iemocap", "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"): None,
    ("iemocap", "Session1/dialog/transcriptions/Ses01F_impro01.txt"): None,
}


def mutate(content, random):
    """Flip a bit, cut a few bytes out, or put a piece of the file in a second time."""
    broken = bytearray(content)
    for _ in range(random.integers(1, 4)):
        place = int(random.integers(len(broken)))
        kind = random.integers(3)
        if kind == 0:
            broken[place] ^= 1 << int(random.integers(8))
        elif kind == 1:
            del broken[place : place + int(random.integers(1, 9))]
        else:
            source = int(random.integers(len(broken)))
            broken[place:place] = broken[source : source + int(random.integers(1, 40))]
    return bytes(broken)


@pytest.mark.parametrize(("kind", "name"), FILES)
def test_a_broken_file_ends_in_a_corpus_or_in_one_line(tmp_path, kind, name):
    make = FILES[kind, name]
    path = tmp_path / name
    if make is None:
        make_iemocap(tmp_path)
    else:
        make(path)
    settings = replace(SETTINGS[kind], file=name)
    content, random, refused = path.read_bytes(), np.random.default_rng(0), []
    read_corpus(settings, tmp_path)
    for _ in range(MUTATIONS):
        path.write_bytes(mutate(content, random))
        try:
            read_corpus(settings, tmp_path)
        except InputError as error:
            refused.append(str(error))
    assert refused
    assert not any("\n" in message for message in refused)
