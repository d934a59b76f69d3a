"""Pickles that this field shares beside tuples of features: text alone, dicts of splits, scores."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from made_corpora import SETTINGS, matrices_of, matrix_of, published_fields

from cberl.corpus.readers.feature_files import read_feature_file
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError

TABLE, FEATURES = SETTINGS["table"], SETTINGS["features"]
LAYERS = ("roberta1", "roberta2", "roberta3", "roberta4")
NAME = "shared.pkl"


def write(root, content):
    (root / NAME).write_bytes(pickle.dumps(content, protocol=4))


def read(root, content, settings=FEATURES, **changes):
    write(root, content)
    return read_feature_file(replace(settings, file=NAME, **changes), root)


def read_text(root, content, **changes):
    write(root, content)
    return read_corpus(replace(TABLE, file=NAME, **changes), root)


def meld_fields():
    """Numbers for dialogues, one-hot speakers; see `published_fields`."""
    fields = published_fields()
    number = {name: position for position, name in enumerate(fields["speakers"])}
    renamed = {
        field: {number[name]: rows for name, rows in content.items()}
        for field, content in fields.items()
        if isinstance(content, dict)
    }
    return renamed | {
        "ids": {key: [0, 1, 2] for key in renamed["ids"]},
        "speakers": {key: [[1, 0], [0, 1], [1, 0]] for key in renamed["ids"]},
        "sentiment": {key: [0, 1, 2] for key in renamed["ids"]},
        "train": [0, 1, 2, 3],
        "dev": [4],
        "test": [5],
    }


def test_six_fields_are_text_and_labels(tmp_path):
    fields = published_fields()
    names = ("speakers", "labels", "sentences", "train", "test")
    train, dev = fields["train"][:4], fields["train"][4:]
    content = (*(fields[name] for name in names[:3]), train, fields["test"], dev)
    corpus = read_text(tmp_path, content)
    assert corpus.classes == ["happy", "sad", "neutral", "angry", "excited", "frustrated"]
    assert corpus.utterances["split"].value_counts().to_dict() == {"train": 12, "dev": 3, "test": 3}
    row = corpus.utterances.set_index("utterance_id").loc["test/Ses05M_impro02/1"]
    assert (row["speaker"], row["text"]) == ("Ses05_M", "Who’s there?")


def test_seven_fields_are_text_labels_and_sentiments(tmp_path):
    fields = meld_fields()
    order = ("speakers", "labels", "sentiment", "sentences", "train", "test", "dev")
    corpus = read_text(tmp_path, tuple(fields[name] for name in order))
    assert corpus.classes[0] == "neutral"
    assert len(corpus.utterances) == 18


def test_text_alone_has_no_features(tmp_path):
    fields = meld_fields()
    order = ("speakers", "labels", "sentiment", "sentences", "train", "test", "dev")
    with pytest.raises(InputError, match=r"no features; write corpus.kind: table"):
        read(tmp_path, tuple(fields[name] for name in order))


def test_labels_of_text_whose_source_is_unknown_need_names(tmp_path):
    fields = meld_fields()
    content = tuple(fields[name] for name in ("speakers", "labels", "sentences"))
    content += (fields["train"], fields["test"], fields["dev"])
    with pytest.raises(InputError, match=r"labels are numbers; expected their names"):
        read_text(tmp_path, content)
    assert read_text(tmp_path, content, classes=tuple("abcdef")).classes == list("abcdef")


def test_fourteen_fields_with_one_that_nothing_reads(tmp_path):
    fields = meld_fields()
    layers = {layer: fields["text"] for layer in LAYERS}
    order = ("ids", "speakers", "labels", "sentiment", *LAYERS, "audio", "video")
    content = (
        *((fields | layers)[name] for name in order),
        *(fields["sentences"], [0, 1, 2, 3, 4], [5], {"what": None}),
    )
    published = read(tmp_path, content)
    assert {name: matrix.shape for name, matrix in matrices_of(published).items()} == {
        "text": (18, 4),
        "audio": (18, 3),
        "video": (18, 2),
    }
    assert published.classes[0] == "neutral"


def test_four_classes_of_iemocap_are_four(tmp_path):
    fields = published_fields()
    fields["labels"] = {name: [0, 1, 3] for name in fields["labels"]}
    order = ("ids", "speakers", "labels", "text", "audio", "video", "sentences", "train", "test")
    content = tuple(fields[name] for name in order)
    published = read(tmp_path, content)
    assert published.classes == ["happy", "sad", "neutral", "angry"]
    assert any("labels 0 to 3 are taken for happy, sad" in one for one in published.notices)
    six = ("happy", "sad", "neutral", "angry", "excited", "frustrated")
    assert read(tmp_path, content, classes=six).classes == list(six)


def test_control_codes_in_sentences_become_quotes(tmp_path):
    fields = published_fields()
    fields["sentences"]["Ses05M_impro02"][1] = "Who\x92s there\x85"
    order = ("ids", "speakers", "labels", "text", "audio", "video", "sentences", "train", "test")
    published = read(tmp_path, tuple(fields[name] for name in order))
    assert "Who’s there…" in set(published.rows["text"])


def split_columns(count, first=0, **more):
    """One split as MMSA has it: five steps of text, of which each utterance fills some."""
    draw = np.random.default_rng(first)
    text = np.ones((count, 5, 3), dtype=np.float32) * np.arange(1, 6)[:, None]
    text[0, 2:] = 0
    audio = draw.normal(size=(count, 4, 2))
    audio[0, 0, 0] = -np.inf
    names = np.array([f"video{first + n // 3}$_${n % 3}" for n in range(count)], dtype=object)
    columns = {
        "id": names,
        "raw_text": np.array(["It\x92s fine."] * count, dtype=object),
        "text": text,
        "audio": audio,
        "vision": np.ones((count, 6)),
        "annotations": np.array(["Negative", "Positive"] * count, dtype=object)[:count],
        "regression_labels": np.linspace(-2, 2, count),
        "text_bert": np.ones((count, 3, 5)),
    }
    return {name: value for name, value in (columns | more).items() if value is not None}


def partitions(**more):
    return {
        "train": split_columns(12, **more),
        "valid": split_columns(6, 10, **more),
        "test": split_columns(6, 20, **more),
    }


def test_dicts_of_splits_are_read(tmp_path):
    published = read(tmp_path, partitions())
    assert published.rows["split"].value_counts().to_dict() == {"train": 12, "dev": 6, "test": 6}
    assert published.classes == ["Negative", "Positive"]
    row = published.rows.iloc[1]
    assert (row["dialogue"], row["utterance"]) == ("video0", "1")
    assert (row["speaker"], row["text"]) == ("video0", "It’s fine.")
    assert {name: matrix.shape for name, matrix in matrices_of(published).items()} == {
        "text": (24, 3),
        "audio": (24, 2),
        "video": (24, 6),
    }
    assert any("its column annotations" in notice for notice in published.notices)
    write(tmp_path, partitions())
    assert len(read_corpus(replace(FEATURES, file=NAME), tmp_path).utterances) == 24


def test_steps_that_fill_up_an_utterance_do_not_count(tmp_path):
    matrix = matrix_of(read(tmp_path, partitions()), "text")
    assert matrix[0].tolist() == [1.5] * 3  # of steps 1 and 2
    assert matrix[1].tolist() == [3.0] * 3
    lengths = matrix_of(read(tmp_path, partitions(text_lengths=[1] * 24)), "text")
    assert lengths[1].tolist() == [1.0] * 3


def test_numbers_of_classes_need_names(tmp_path):
    content = partitions(annotations=None, classification_labels=None)
    for columns in content.values():
        columns["classification_labels"] = np.arange(len(columns["id"])) % 2
    with pytest.raises(InputError, match="labels are numbers; expected their names"):
        read(tmp_path, content)
    assert read(tmp_path, content, classes=("low", "high")).classes == ["low", "high"]


def test_scores_are_refused_with_the_keys_that_cut_them(tmp_path):
    content = partitions(annotations=None)
    with pytest.raises(InputError, match=r"scores.*corpus.score_edges: \[-0.5, 0.5\], classes"):
        read(tmp_path, content)


def test_scores_are_cut_where_the_configuration_says(tmp_path):
    content = partitions(annotations=None)
    names = ("negative", "neutral", "positive")
    published = read(tmp_path, content, score_edges=(-0.5, 0.5), classes=names)
    scores = np.concatenate([columns["regression_labels"] for columns in content.values()])
    expected = np.where(scores < -0.5, "negative", np.where(scores < 0.5, "neutral", "positive"))
    assert published.rows["label"].tolist() == expected.tolist()
    with pytest.raises(InputError, match=r"3 edges and 3 corpus\.classes"):
        read(tmp_path, content, score_edges=(-1.0, 0.0, 1.0), classes=names)
    with pytest.raises(InputError, match="label 'Negative' is no score to cut"):
        read(tmp_path, partitions(), score_edges=(-0.5, 0.5), classes=names)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: content["test"].pop("id"), "test: has no column id; found raw_text"),
        (lambda content: content["test"].update(audio=np.ones((2, 4, 2))), "audio has 2 rows; ex"),
        (lambda content: content["test"].pop("audio"), "audio is not in every split"),
        (lambda content: content["valid"].update(text=["abc"] * 6), "text: holds what is no"),
        (
            lambda content: [
                columns.pop(name)
                for columns in content.values()
                for name in ("annotations", "regression_labels")
            ],
            "has no labels; expected annotations",
        ),
    ],
)
def test_dicts_that_are_not_what_they_should_be_are_refused(tmp_path, spoil, message):
    content = partitions()
    spoil(content)
    with pytest.raises(InputError, match=message):
        matrices_of(read(tmp_path, content))


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / NAME).write_bytes(b"")
    with pytest.raises(InputError, match=r"shared.pkl: is empty; expected a pickle"):
        read_feature_file(replace(FEATURES, file=NAME), tmp_path)


def test_a_git_lfs_pointer_is_told(tmp_path):
    (tmp_path / NAME).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(InputError, match="Git LFS pointer"):
        read_feature_file(replace(FEATURES, file=NAME), tmp_path)
