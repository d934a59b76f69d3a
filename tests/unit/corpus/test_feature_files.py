"""Features that others published, in every layout in which they go about."""

import pickle
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_corpora import (
    SETTINGS,
    iemocap_tuple,
    matrices_of,
    matrix_of,
    published_fields,
    reasons_of,
    table_rows,
)

from cberl.artifacts import read_table, write_table
from cberl.corpus.quality.feature_quality import assess_features
from cberl.corpus.readers.feature_files import ALL_ZERO, NO_FEATURES, read_feature_file
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.corpus.tables import QUALITY
from cberl.errors import InputError

FEATURES = SETTINGS["features"]
SIX = ["happy", "sad", "neutral", "angry", "excited", "frustrated"]
SEVEN = ["neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger"]
LAYERS = ("roberta1", "roberta2", "roberta3", "roberta4")


def write(root, content, protocol=2):
    (root / FEATURES.file).write_bytes(pickle.dumps(content, protocol))
    return root


def read(root, content, **settings):
    return read_feature_file(replace(FEATURES, **settings), write(root, content))


def with_layers(fields):
    """The text features as four layers whose mean they are."""
    layers = {
        layer: {name: [row + shift for row in rows] for name, rows in fields["text"].items()}
        for layer, shift in zip(LAYERS, (-3, -1, 1, 3), strict=True)
    }
    return {**fields, **layers}


def meld_fields(**widths):
    """As MELD's files are: numbers for dialogues, one-hot speakers, sentiment beside emotion."""
    fields = published_fields(**widths)
    numbers = {name: number for number, name in enumerate(fields["speakers"])}
    renamed = {
        field: {numbers[name]: rows for name, rows in content.items()}
        for field, content in fields.items()
        if isinstance(content, dict)
    }
    one_hot = {"F": [1, 0, 0], "M": [0, 0, 1]}
    return renamed | {
        "ids": {number: [0, 1, 3] for number in renamed["ids"]},
        "speakers": {
            number: [one_hot[name] for name in names]
            for number, names in renamed["speakers"].items()
        },
        "sentiment": {number: [0, 2, 1] for number in renamed["ids"]},
        "train": [0, 1, 2, 3, 4],
        "test": [5],
    }


def fields_of(fields, *names):
    return tuple(fields[name] for name in names)


def test_nine_fields_of_iemocap(tmp_path):
    fields = published_fields()
    published = read(tmp_path, iemocap_tuple(fields))
    assert published.classes == SIX
    assert {name: matrix.shape for name, matrix in matrices_of(published).items()} == {
        "text": (18, 4),
        "audio": (18, 3),
        "video": (18, 2),
    }
    position = list(published.ids).index("test/Ses05M_impro02/M000")
    row = published.rows.iloc[position]
    assert (row.speaker, row.text, row.label) == ("Ses05_M", "Who’s there?", "happy")
    expected = np.float32(fields["audio"]["Ses05M_impro02"][1])
    assert np.array_equal(matrix_of(published, "audio")[position], expected)
    assert published.rows["split"].value_counts().to_dict() == {"train": 12, "dev": 3, "test": 3}


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_gives_the_same(tmp_path, protocol):
    fields = published_fields()
    first = read(tmp_path, iemocap_tuple(fields)).rows
    write(tmp_path, iemocap_tuple(fields), protocol)
    published = read_feature_file(FEATURES, tmp_path)
    assert published.rows.equals(first)
    expected = np.concatenate([fields["text"][name] for name in fields["speakers"]])
    assert np.array_equal(matrix_of(published, "text"), expected.astype(np.float32))


def test_nine_fields_of_meld_are_not_those_of_iemocap(tmp_path):
    names = ("ids", "speakers", "labels", "text", "audio", "sentences", "train", "test")
    published = read(tmp_path, fields_of(meld_fields(), *names, "sentiment"))
    assert published.classes == SEVEN
    assert sorted(published.vectors) == ["audio", "text"]
    assert set(published.rows["speaker"]) == {"speaker0", "speaker2"}


def test_ten_fields_of_meld(tmp_path):
    names = ("ids", "speakers", "labels", "text", "audio", "video", "sentences", "train", "test")
    published = read(tmp_path, fields_of(meld_fields(), *names, "sentiment"))
    assert sorted(published.vectors) == ["audio", "text", "video"]
    assert "test/5/3" in published.ids


def test_ten_fields_of_roberta(tmp_path):
    fields = with_layers(published_fields()) | {"dev": ["Ses04F_impro01"]}
    fields["train"].remove("Ses04F_impro01")
    names = ("speakers", "labels", *LAYERS, "sentences", "train", "test", "dev")
    published = read(tmp_path, fields_of(fields, *names))
    assert sorted(published.vectors) == ["text"]
    assert published.classes == SIX
    expected = np.concatenate([fields["text"][name] for name in fields["speakers"]])
    np.testing.assert_allclose(matrix_of(published, "text"), expected, rtol=1e-5, atol=1e-6)
    assert set(published.rows.loc[published.rows["split"] == "dev", "dialogue"]) == {
        "Ses04F_impro01"
    }


def test_eleven_fields_of_meld_roberta(tmp_path):
    fields = with_layers(meld_fields()) | {"dev": [4], "train": [0, 1, 2, 3]}
    names = ("speakers", "labels", "sentiment", *LAYERS, "sentences", "train", "test", "dev")
    published = read(tmp_path, fields_of(fields, *names))
    assert published.classes == SEVEN
    assert published.rows["label"].iloc[0] == "neutral"


@pytest.mark.parametrize("sentiment", [False, True])
def test_twelve_and_thirteen_fields(tmp_path, sentiment):
    fields = with_layers(meld_fields() if sentiment else published_fields())
    names = ("ids", "speakers", "labels", *LAYERS, "audio", "video", "sentences", "train", "test")
    published = read(tmp_path, fields_of(fields, *names, *(["sentiment"] if sentiment else [])))
    assert sorted(published.vectors) == ["audio", "text", "video"]
    assert matrix_of(published, "text").shape == (18, 4)


def test_matrices_and_lists_of_numbers_will_do(tmp_path):
    fields = published_fields()
    firsts = matrices_of(read(tmp_path, iemocap_tuple(fields)))
    fields["text"] = {name: np.array(rows) for name, rows in fields["text"].items()}
    fields["audio"] = {
        name: [row.tolist() for row in rows] for name, rows in fields["audio"].items()
    }
    fields["train"], fields["test"] = set(fields["train"]), tuple(fields["test"])
    others = matrices_of(read(tmp_path, iemocap_tuple(fields)))
    for name, matrix in firsts.items():
        assert np.array_equal(matrix, others[name])


def test_dialogues_in_no_split_are_left_out_and_noticed(tmp_path):
    fields = published_fields()
    fields["train"].remove("Ses02F_impro01")
    published = read(tmp_path, iemocap_tuple(fields))
    assert len(published.rows) == 15
    assert "1 dialogues are in no split" in published.notices[0]


def test_zeros_and_nan_throughout_are_absent(tmp_path):
    fields = published_fields()
    fields["audio"]["Ses05M_impro02"][0][:] = 0
    fields["audio"]["Ses05M_impro02"][2][:] = np.nan
    published = read(tmp_path, iemocap_tuple(fields))
    assert reasons_of(published)["audio"][-3:] == [ALL_ZERO, None, NO_FEATURES]
    assert np.isnan(matrix_of(published, "audio")).all(axis=1).sum() == 2


def change(name, value, dialogue="Ses05M_impro02", position=1):
    def apply(fields):
        fields[name][dialogue][position] = value

    return apply


def endless():
    """A list that nests itself out of all proportion to its size."""
    nested = [1.0]
    for _ in range(60):
        nested = [nested] * 2
    return nested


MISTAKES = {
    "width": (change("audio", np.ones(4)), r"utterance Ses05M_impro02_M000: audio: 4 numbers; ex"),
    "nan": (change("text", np.array([1, np.nan, 1, 1])), r"M000: text: NaN or infinite values"),
    "infinite": (change("text", np.array([1, np.inf, 1, 1])), r"M000: text: NaN or infinite"),
    "too large": (change("text", np.array([1, 1e60, 1, 1])), r"M000: text: NaN or infinite"),
    "no number": (change("text", [1.0, "a", 1.0, 1.0]), r"text: holds what is no number"),
    "nested": (change("text", [1.0, endless(), 1.0, 1.0]), r"text: holds what is no number"),
    "label": (change("labels", 6), r"utterance Ses05M_impro02_M000: label 6; expected 0 to 5"),
    "short": (
        lambda fields: fields["video"]["Ses05M_impro02"].pop(),
        r"field 6 \(video\): dialogue Ses05M_impro02: expected 3 items",
    ),
    "other field": (
        lambda fields: fields.update(sentences=fields["labels"]),
        r"field 7 \(sentences\): dialogue Ses01F_impro01: expected sentences",
    ),
    "both splits": (
        lambda fields: fields["test"].append("Ses01F_impro01"),
        r"dialogue Ses01F_impro01 is in train and in test",
    ),
    "unknown dialogue": (
        lambda fields: fields["test"].append("Ses09F_impro01"),
        r"field 9 \(test\): names dialogue 'Ses09F_impro01'",
    ),
    "repeated utterance": (
        change("ids", "Ses05M_impro02_F000"),
        r"utterance Ses05M_impro02_F000: key .test/Ses05M_impro02/F000. .* was already used",
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_files_that_are_not_what_they_should_be_are_refused(tmp_path, mistake):
    spoil, message = MISTAKES[mistake]
    fields = published_fields()
    spoil(fields)
    write(tmp_path, iemocap_tuple(fields))
    with pytest.raises(InputError, match=message):
        read_corpus(FEATURES, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": 1}, "holds a dict; expected a tuple of fields"),
        ((1, 2), "holds 2 fields; expected 6, 7, 9, 10, 11, 12, 13, 14"),
        (tuple(range(9)), r"field 1 \(ids\): is a int; expected a dict by dialogue"),
        (tuple([] for _ in range(9)), r"field 1 \(ids\): is a list"),
    ],
)
def test_other_contents_are_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, content)


def test_minus_one_may_be_a_class(tmp_path):
    rows = [{**row, "label": number % 3 - 1} for number, row in enumerate(table_rows())]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    np.savez(tmp_path / "features.npz", **columns, text_features=np.ones((len(rows), 2)))

    def labels(classes, **settings):
        settings = {"file": "features.npz", "classes": classes} | settings
        return read_feature_file(replace(FEATURES, **settings), tmp_path).rows["label"].tolist()

    names = ("negative", "neutral", "positive")
    with pytest.raises(InputError, match=r"from -1 to 1, as many as .*score_edges: \[-0.5, 0.5\]"):
        labels(names)
    assert labels(names, score_edges=(-0.5, 0.5))[:4] == [*names, "negative"]
    assert labels(("neutral", "positive"))[:3] == [None, "neutral", "positive"]


def test_numbers_for_labels_need_names(tmp_path):
    fields = meld_fields()
    names = ("ids", "speakers", "labels", *LAYERS, "audio", "video", "sentences", "train", "test")
    content = fields_of(with_layers(fields), *names)
    with pytest.raises(InputError, match=r"labels are numbers; expected their names"):
        read(tmp_path, content)
    published = read(tmp_path, content, classes=list("abcdef"))
    assert published.rows["label"].iloc[:3].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([1.0, "a", 1.0, 1.0], "text: holds what is no number"),
        ([1.0, endless(), 1.0, 1.0], "text: holds what is no number"),
        ([1.0], "text: 1 numbers; expected"),
    ],
)
def test_a_layer_that_is_no_vector_is_refused(tmp_path, vector, message):
    fields = with_layers(published_fields())
    change(LAYERS[2], vector)(fields)
    names = ("ids", "speakers", "labels", *LAYERS, "audio", "video", "sentences", "train", "test")
    with pytest.raises(InputError, match=rf"utterance Ses05M_impro02_M000: {message}"):
        matrices_of(read(tmp_path, fields_of(fields, *names)))


def columns(with_null=False):
    """Rows of a table with vectors beside them."""
    rows = table_rows()
    for number, row in enumerate(rows):
        row["text_features"] = [float(number), 1.0]
        row["audio_features"] = None if with_null and number == 3 else [1.0, 2.0, float(number)]
    return rows


@pytest.mark.parametrize("kind", ["list", "fixed"])
def test_parquet(tmp_path, kind):
    table = pa.Table.from_pylist(columns(with_null=True))
    if kind == "fixed":
        position = table.column_names.index("audio_features")
        fixed = table["audio_features"].cast(pa.list_(pa.float32(), 3))
        table = table.set_column(position, "audio_features", fixed)
    pq.write_table(table, tmp_path / "mine.parquet")
    published = read_feature_file(replace(FEATURES, file="mine.parquet"), tmp_path)
    assert published.classes == ["calm", "cross"]
    assert matrix_of(published, "audio").shape == (20, 3)
    assert matrix_of(published, "audio")[4].tolist() == [1, 2, 4]
    assert reasons_of(published)["audio"][3] == NO_FEATURES
    assert reasons_of(published)["text"] == [None] * 20


def test_npz(tmp_path):
    rows = columns()
    arrays = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    arrays["label"] = np.arange(20) % 2
    np.savez_compressed(tmp_path / "mine.npz", **arrays)
    settings = replace(FEATURES, file="mine.npz", classes=("calm", "cross"))
    published = read_feature_file(settings, tmp_path)
    assert published.rows["label"].tolist() == ["calm", "cross"] * 10
    assert matrix_of(published, "text")[:, 0].tolist() == list(range(20))


def many_rows(rows=9000):
    """A table of two-turn dialogues whose features come late, and in more than two pieces."""
    numbers = np.arange(rows)
    columns = {
        "dialogue": (numbers // 2).astype(str),
        "utterance": (numbers % 2).astype(str),
        "speaker": np.where(numbers % 2, "A", "B"),
        "text": np.full(rows, "Hello."),
        "label": np.where(numbers % 3, "calm", "cross"),
    }
    vectors = [None if number < 4500 else [number, 1.0] for number in numbers.tolist()]
    return columns, vectors


@pytest.mark.parametrize("group", [100, 10_000])
def test_parquet_is_read_in_pieces_whatever_its_row_groups(tmp_path, group):
    columns, vectors = many_rows()
    table = pa.table(columns | {"text_features": vectors})
    pq.write_table(table, tmp_path / "mine.parquet", row_group_size=group)
    published = read_feature_file(replace(FEATURES, file="mine.parquet"), tmp_path)
    sizes = [len(matrix) for matrix, _ in published.pieces("text")]
    assert sizes == [5120, 1024, 1024, 1024, 808]  # no width is known before the first vector
    matrix = matrix_of(published, "text")
    assert np.isnan(matrix[:4500]).all()
    assert matrix[4500:, 0].tolist() == list(range(4500, 9000))


@pytest.mark.parametrize("order", ["C", "F"])
def test_npz_is_read_in_pieces_whatever_its_order(tmp_path, order):
    columns, _ = many_rows()
    matrix = np.arange(18000, dtype=np.float64).reshape(9000, 2) + 1
    matrix = np.asarray(matrix, order=order)
    np.savez(tmp_path / "mine.npz", **columns, text_features=matrix)
    published = read_feature_file(replace(FEATURES, file="mine.npz"), tmp_path)
    assert [len(piece) for piece, _ in published.pieces("text")] == [1024] * 8 + [808]
    assert np.array_equal(matrix_of(published, "text"), matrix.astype(np.float32))


def test_a_mistake_in_a_late_piece_is_found_before_the_run(tmp_path):
    columns, vectors = many_rows()
    vectors[8500] = [1.0, float("nan")]
    pq.write_table(pa.table(columns | {"text_features": vectors}), tmp_path / "mine.parquet")
    with pytest.raises(InputError, match=r"row 8501: text: NaN or infinite values"):
        read_corpus(replace(FEATURES, file="mine.parquet"), tmp_path)


def test_vectors_in_place_of_cells_are_refused(tmp_path):
    table = pa.Table.from_pylist(columns())
    at = table.column_names.index("text")
    table = table.set_column(at, "text", table["text_features"])
    pq.write_table(table, tmp_path / "mine.parquet")
    with pytest.raises(InputError, match=r"row 1, column text: holds a list of numbers; expected"):
        read_feature_file(replace(FEATURES, file="mine.parquet"), tmp_path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"text_features": np.ones((3, 2))}, "has no column dialogue"),
        ({"dialogue": np.array(["a", None], dtype=object)}, "dialogue holds Python objects, which"),
        ({"dialogue": np.array(["a"]), "text_features": np.ones((3, 2))}, "dialogue has 1 rows"),
    ],
)
def test_npz_that_is_not_what_it_should_be(tmp_path, arrays, message):
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(InputError, match=message):
        read_feature_file(replace(FEATURES, file="mine.npz"), tmp_path)


@pytest.mark.parametrize("name", ["mine.npz", "mine.parquet"])
def test_one_number_in_place_of_a_vector_is_refused(tmp_path, name):
    rows = [row | {"text_features": 0.5} for row in columns()]
    if name.endswith("npz"):
        np.savez(tmp_path / name, **{key: np.array([row[key] for row in rows]) for key in rows[0]})
    else:
        rows[0]["text_features"] = None
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    row = "row 1" if name.endswith("npz") else "row 2"
    message = rf"{name}: {row}: text: is a float; expected a list of numbers"
    with pytest.raises(InputError, match=message):
        read_corpus(replace(FEATURES, file=name), tmp_path)


def test_columns_without_features_and_other_files_are_refused(tmp_path):
    pq.write_table(pa.Table.from_pylist(table_rows()), tmp_path / "mine.parquet")
    with pytest.raises(InputError, match=r"has no features; expected one of text_features"):
        read_feature_file(replace(FEATURES, file="mine.parquet"), tmp_path)
    (tmp_path / "mine.mat").write_bytes(b"MATLAB")
    with pytest.raises(InputError, match=r"ends in '\.mat'; expected \.parquet, \.npz, \.pkl"):
        read_feature_file(replace(FEATURES, file="mine.mat"), tmp_path)


def test_quality_tells_what_is_there(tmp_path):
    fields = published_fields()
    fields["audio"]["Ses05M_impro02"][0][:] = 0
    published = read(tmp_path, iemocap_tuple(fields))
    utterances = read_corpus(FEATURES, tmp_path).utterances
    quality = assess_features(utterances, published, ["text", "audio"])
    write_table(tmp_path / "quality.parquet", QUALITY, quality, {})
    written = read_table(tmp_path / "quality.parquet", QUALITY)
    assert written["modality"].tolist() == ["text", "audio"] * 18
    absent = written[~written["available"]]
    assert absent["utterance_id"].tolist() == ["test/Ses05M_impro02/F000"]
    assert absent["reason"].tolist() == [ALL_ZERO]
    with pytest.raises(InputError, match=r"has no video features; expected some of audio, text"):
        assess_features(
            utterances,
            read(
                tmp_path,
                fields_of(
                    meld_fields(),
                    "ids",
                    "speakers",
                    "labels",
                    "text",
                    "audio",
                    "sentences",
                    "train",
                    "test",
                    "sentiment",
                ),
            ),
            ["video"],
        )
