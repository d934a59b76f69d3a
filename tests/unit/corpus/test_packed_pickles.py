"""Pickles are read in the sandbox, whatever its answers are, and their vectors in pieces."""

import pickle
from dataclasses import replace

import misbehaving
import numpy as np
import psutil
import pytest
from made_corpora import SETTINGS, iemocap_tuple, matrix_of, published_fields

from cberl.corpus.readers import packed_pickles, pickle_rows
from cberl.corpus.readers.feature_files import NO_FEATURES, read_feature_file
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError

FEATURES = SETTINGS["features"]


def write(root, content, name=FEATURES.file):
    (root / name).write_bytes(pickle.dumps(content, protocol=4))


class Writes:
    """Pickles as a call that writes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path,)


def refuse(*_):
    raise AssertionError("read in the job's own process")


def test_this_process_reads_no_pickle(tmp_path, monkeypatch):
    monkeypatch.setattr(pickle_rows, "load_data_pickle", refuse)
    write(tmp_path, iemocap_tuple(published_fields()))
    assert len(read_corpus(FEATURES, tmp_path).utterances) == 18
    fields = published_fields()
    train, dev = fields["train"][:4], fields["train"][4:]
    talks = (*(fields[name] for name in ("speakers", "labels", "sentences")), train)
    write(tmp_path, (*talks, fields["test"], dev), "talks.pkl")
    assert len(read_corpus(replace(SETTINGS["table"], file="talks.pkl"), tmp_path).utterances) == 18


def test_what_a_hole_in_the_reader_lets_through_can_write_nothing(tmp_path, monkeypatch):
    harm = tmp_path / "harm.txt"
    write(tmp_path, (*iemocap_tuple(published_fields()), Writes(harm)))
    with pytest.raises(InputError, match=r"asks for '_?io\.open'"):
        read_corpus(FEATURES, tmp_path)
    monkeypatch.setattr(packed_pickles, "unpack_pickle", misbehaving.unpack_pickle_and_obey)
    with pytest.raises(InputError, match=r"IEMOCAP_features\.pkl: cannot be read \("):
        read_corpus(FEATURES, tmp_path)
    assert not harm.exists() or not harm.read_text()


def test_the_process_that_keeps_a_pickle_ends_with_the_last_who_could_ask(tmp_path):
    write(tmp_path, iemocap_tuple(published_fields()))
    before = set(psutil.Process().children())
    published = read_feature_file(FEATURES, tmp_path)
    assert matrix_of(published, "text").shape == (18, 4)
    (worker,) = set(psutil.Process().children()) - before
    del published
    assert not worker.is_running()


@pytest.mark.parametrize(
    "lie", ["no_column", "short_column", "no_text", "no_json", "other_modality", "no_names"]
)
def test_an_answer_that_is_no_table_is_refused(tmp_path, monkeypatch, lie):
    monkeypatch.setattr(packed_pickles, "unpack_pickle", misbehaving.unpack_pickle_and_lie)
    write(tmp_path, iemocap_tuple(published_fields()), f"{lie}.pkl")
    with pytest.raises(InputError, match=r"cannot be read \(gave an answer that cannot be read\)"):
        read_feature_file(replace(FEATURES, file=f"{lie}.pkl"), tmp_path)


def partitions(text, rows=2500):
    """A dict of splits, the most of which is train's."""
    labels = np.array(["calm", "cross"] * rows, dtype=object)
    first = {"id": [f"talk{turn // 5}/{turn % 5}" for turn in range(rows)], "text": text}
    second = {"id": [f"other/{turn}" for turn in range(4)], "text": np.ones((4, 2))}
    third = {"id": [f"last/{turn}" for turn in range(4)], "text": np.ones((4, 2))}
    content = {"train": first, "valid": second, "test": third}
    return {
        name: columns | {"annotations": labels[: len(columns["id"])]}
        for name, columns in content.items()
    }


def test_vectors_leave_the_sandbox_in_pieces(tmp_path):
    text = np.arange(5000, dtype=np.float32).reshape(2500, 2) + 1
    write(tmp_path, partitions([None, *text[1:]]))
    published = read_feature_file(FEATURES, tmp_path)
    pieces = list(published.pieces("text"))
    assert [len(matrix) for matrix, _ in pieces] == [1024, 1024, 460]
    assert pieces[0][1][:2] == [NO_FEATURES, None]
    assert np.array_equal(matrix_of(published, "text")[1:2500], text[1:])


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (7, r"train: utterance talk406/0: text: is a int; expected a list of numbers"),
        ("abc", r"talk406/0: text: holds what is no number"),
        (np.ones((2, 2)), r"talk406/0: text: holds what is no number"),
        (np.ones(3), r"talk406/0: text: 3 numbers; expected 2"),
    ],
    ids=["number", "text", "matrix", "width"],
)
def test_what_is_no_vector_is_named_by_its_place(tmp_path, vector, message):
    text = list(np.ones((2500, 2)))
    text[2030] = vector
    write(tmp_path, partitions(text))
    with pytest.raises(InputError, match=message):
        read_corpus(FEATURES, tmp_path)


def test_a_file_whose_dialogues_are_in_no_split_is_refused(tmp_path):
    fields = published_fields() | {"train": [], "test": []}
    write(tmp_path, iemocap_tuple(fields))
    with pytest.raises(InputError, match="no utterance is in a split; expected dialogues in train"):
        read_corpus(FEATURES, tmp_path)
