"""The reader of a user's own conversations, in each format."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_corpora import SETTINGS, make_clips, table_rows, write_table

from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError

FORMATS = ("tsv", "csv", "jsonl", "parquet")


def read(root, rows, suffix="tsv", **settings):
    name = f"utterances.{suffix}"
    write_table(root / name, rows)
    return read_corpus(replace(SETTINGS["table"], file=name, **settings), root)


def changed(position, **cells):
    """The rows of the small table, one of them changed."""
    rows = [{**{name: "" for name in cells}, **row} for row in table_rows()]
    rows[position].update(cells)
    return rows


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same(tmp_path, suffix):
    first, other = read(tmp_path, table_rows()), read(tmp_path, table_rows(), suffix)
    pd.testing.assert_frame_equal(first.utterances, other.utterances)
    assert first.classes == other.classes == ["calm", "cross"]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_numbers_are_names_too(tmp_path, suffix):
    rows = [
        {**row, "dialogue": number // 2, "utterance": number % 2}
        for number, row in enumerate(table_rows())
    ]
    names = read(tmp_path, rows, suffix).utterances["utterance_id"].str.split("/").str[1:]
    assert sorted(map(tuple, names)) == sorted((str(n // 2), str(n % 2)) for n in range(20))


def test_whole_numbers_that_came_as_floats_are_names(tmp_path):
    frame = pd.DataFrame(table_rows()).assign(dialogue=np.arange(20.0) // 2)
    frame.to_parquet(tmp_path / "utterances.parquet")
    corpus = read_corpus(replace(SETTINGS["table"], file="utterances.parquet"), tmp_path)
    assert {name.split("/")[1] for name in corpus.utterances["dialogue_id"]} == set("0123456789")


def test_splits_are_dealt_by_seed_and_dialogue(tmp_path):
    def drawn(**settings):
        utterances = read(tmp_path, table_rows(), **settings).utterances
        return utterances.groupby("split")["dialogue_id"].unique().map(sorted).to_dict()

    assert {split: len(names) for split, names in drawn().items()} == {
        "train": 7,
        "dev": 1,
        "test": 2,
    }
    assert drawn() == drawn()
    assert len({str(drawn(split_seed=seed)) for seed in range(5)}) > 1
    assert len(drawn(test_share=0.5)["test"]) == 5


def test_the_order_of_dialogues_changes_no_split(tmp_path):
    rows = table_rows()
    turned = [row for pair in range(9, -1, -1) for row in rows[2 * pair : 2 * pair + 2]]
    first, other = read(tmp_path, rows), read(tmp_path, turned)
    assert set(first.utterances["utterance_id"]) == set(other.utterances["utterance_id"])


def test_splits_of_the_table_are_kept(tmp_path):
    rows = [
        {**row, "split": ["train", "dev", "test"][n // 2 % 3]} for n, row in enumerate(table_rows())
    ]
    utterances = read(tmp_path, rows).utterances
    assert utterances["split"].value_counts().to_dict() == {"train": 8, "dev": 6, "test": 6}


def test_splits_may_be_called_as_others_call_them(tmp_path):
    words = ["Training", "validation", "TEST"]
    rows = [{**row, "split": words[n // 2 % 3]} for n, row in enumerate(table_rows())]
    utterances = read(tmp_path, rows).utterances
    assert utterances["split"].value_counts().to_dict() == {"train": 8, "dev": 6, "test": 6}


def test_dev_is_dealt_from_train_where_the_table_has_none(tmp_path):
    rows = [{**row, "split": "test" if n < 4 else "train"} for n, row in enumerate(table_rows())]
    utterances = read(tmp_path, rows, dev_share=0.25).utterances
    assert utterances["split"].value_counts().to_dict() == {"train": 12, "dev": 4, "test": 4}


def test_rows_may_alternate_between_dialogues(tmp_path):
    rows = table_rows()
    utterances = read(tmp_path, rows[::2] + rows[1::2]).utterances
    assert utterances["turn"].tolist() == [0, 1] * 10


def test_rows_without_a_label_are_context(tmp_path):
    corpus = read(tmp_path, changed(3, label=""))
    assert corpus.labels["label"].isna().sum() == 1
    assert len(corpus.utterances) == 20


def test_text_may_be_left_out(tmp_path):
    rows = [{name: row[name] for name in row if name != "text"} for row in table_rows()]
    assert read(tmp_path, rows).utterances["text"].eq("").all()


def test_clips_and_pieces_of_recordings(tmp_path):
    make_clips(tmp_path / "talks", ["one.mp4", "one.wav"])
    rows = [{**row, "media": "", "start": "", "end": "", "audio": ""} for row in table_rows()]
    rows[0].update(media="talks/one.mp4", start="83.5", end="0:01:25,25", audio="talks/one.wav")
    rows[1].update(media="talks/whole.mp4")
    rows[2].update(media="talks/two.mp4", start="1", end="2")
    utterances = read(tmp_path, rows).utterances
    ids = utterances["utterance_id"].str.split("/").str[1:].str.join("/")
    utterances = utterances.set_index(ids)
    piece = utterances.loc["d0/u0"]
    assert (piece.media_path, piece.audio_path) == ("talks/one.mp4", "talks/one.wav")
    assert (piece.media_start_s, piece.media_end_s) == (83.5, 85.25)
    assert piece.annotated_duration_s == 1.75
    whole = utterances.loc["d0/u1"]
    assert whole.media_path == "talks/whole.mp4"
    assert whole[["media_start_s", "media_end_s", "audio_path", "note"]].isna().all()
    missing = utterances.loc["d1/u0"]
    assert (missing.media_path, missing.media_start_s) == ("talks/two.mp4", 1)


def test_an_utterance_without_length_keeps_its_row_and_is_noted(tmp_path):
    corpus = read(tmp_path, changed(3, media="talk.mp4", start="0:00:05", end="0:00:05"))
    assert len(corpus.utterances) == 20
    (notice,) = [notice for notice in corpus.notices if notice.startswith("end is start")]
    assert "in 1 rows, first" in notice
    assert notice.endswith("line 5: these utterances have no sound or picture")


def test_times_are_read_as_programs_write_them(tmp_path):
    rows = changed(0, start=0.1 + 0.2, end=0.7 + 0.1 + 0.1)
    for suffix in ("jsonl", "tsv"):
        times = read(tmp_path, rows, suffix).utterances["media_start_s"]
        assert times.dropna().tolist() == [0.1 + 0.2]
    assert read(tmp_path, changed(0, start=5e-05)).utterances["media_start_s"].max() == 5e-05


def test_a_name_may_hold_a_tilde(tmp_path):
    assert "d1~b" in "".join(read(tmp_path, changed(2, dialogue="d1~b")).utterances["dialogue_id"])


def test_rows_against_their_times_or_numbers_are_named(tmp_path):
    def notices(change, suffix="tsv"):
        rows = [{**row, **change(n)} for n, row in enumerate(table_rows())]
        found = read(tmp_path, rows, suffix).notices
        return [notice for notice in found if "not in the order of" in notice]

    def piece(n):
        start = 10 * n if n != 5 else 1
        return {"media": "talk.mp4", "start": start, "end": start + 1}

    assert notices(piece) == [
        "rows of 1 dialogues are not in the order of the times, first "
        f"{tmp_path}/utterances.tsv: line 7: read as they stand; sort them if that is the order "
        "of speaking"
    ]
    by_number = notices(lambda n: {"utterance": 10 - n % 2})
    assert len(by_number) == 1
    assert "rows of 10 dialogues are not in the order of the numbers in column" in by_number[0]
    assert not notices(lambda n: {"utterance": f"{9 + n % 2:03}"})
    assert not notices(lambda n: piece(n) | {"media": f"clip{n}.mp4"})


def test_rows_that_stand_apart_without_times_or_numbers_are_named(tmp_path):
    def apart(**names):
        rows = sorted(table_rows(), key=lambda row: row["utterance"])
        rows = [{**row, "utterance": names[row["utterance"]]} for row in rows]
        return [line for line in read(tmp_path, rows).notices if "stand apart" in line]

    (notice,) = apart(u0="b", u1="a")
    assert notice.startswith("rows of 10 dialogues stand apart from each other, first ")
    assert "line 12, and neither times nor numbers show their order" in notice
    assert not apart(u0="1", u1="2")


def test_other_columns_are_left_out_and_named(tmp_path):
    corpus = read(tmp_path, changed(0, remark="nice"))
    assert corpus.notices[0] == "utterances.tsv: not read: column remark"


MISTAKES = {
    "missing column": (
        [{name: row[name] for name in row if name != "speaker"} for row in table_rows()],
        r"utterances\.tsv: has no column speaker; found dialogue",
    ),
    "mistyped column": (
        [{**row, "Split ": "train"} for row in table_rows()],
        r"utterances\.tsv: column Split is unknown; did you mean split\? Then rename it or write "
        r"corpus\.columns: \{Split: split\} \(null",
    ),
    "empty speaker": (
        changed(2, speaker=" "),
        r"line 4, column speaker: is empty; expected a value in every row$",
    ),
    "several": (
        [{**row, "speaker": ""} for row in table_rows()],
        r"line 2, column speaker: is empty.* \(and 19 more like this\)",
    ),
    "unknown split": (
        [{**row, "split": "fold1"} for row in table_rows()],
        r"line 2, column split: is 'fold1'; expected train, dev, test",
    ),
    "two words for one split": (
        [{**row, "split": ["dev", "val"][n // 2 % 2]} for n, row in enumerate(table_rows())],
        r"line 4, column split: is 'val', though other rows have another word for that split",
    ),
    "some without split": (
        changed(0, split="train"),
        r"line 3, column split: is empty; expected train, dev, test, or no split at all",
    ),
    "dialogue in two splits": (
        [{**row, "split": ["train", "test"][n % 2]} for n, row in enumerate(table_rows())],
        r"line 3, column split: is 'test', but the dialogue began in another",
    ),
    "unreadable time": (
        changed(1, start="soon"),
        r"line 3, column start: is 'soon'; expected seconds with a point \(83\.5\)",
    ),
    "reversed times": (
        changed(1, start="9", end="8.5"),
        r"line 3, column end: is '8\.5', before the start",
    ),
    "repeated key": (
        changed(1, utterance="u0"),
        r"line 3: key '\w+/d0/u0' .* line 2; expected each key once",
    ),
    "name of a copy": (
        changed(2, dialogue="d0~1"),
        r"line 4: dialogue 'd0~1' is named like a copy .*; expected no ~ and number at the end",
    ),
    "name of a copy before a slash": (
        changed(2, dialogue="d0~1/2"),
        r"line 4: dialogue 'd0~1/2' is named like a copy",
    ),
    "one label": (
        [{**row, "label": "calm"} for row in table_rows()],
        r"all labels are calm; expected at least two classes",
    ),
    "two dialogues": (table_rows()[:4], r"has 2 dialogues, and 2 would be set aside"),
    "no test": (
        [{**row, "split": "train"} for row in table_rows()],
        r"no utterance is in split test; .* no split given at all, so that all are drawn",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_by_row_and_column(tmp_path, mistake):
    rows, message = MISTAKES[mistake]
    with pytest.raises(InputError, match=message):
        read(tmp_path, rows)


def test_labels_are_held_against_configured_classes(tmp_path):
    assert read(tmp_path, table_rows(), classes=["cross", "calm"]).classes == ["cross", "calm"]
    with pytest.raises(InputError, match=r"line 3: label 'cross'; .* calm, glad \(corpus\.labels"):
        read(tmp_path, table_rows(), classes=["calm", "glad"])


def test_training_without_any_label_is_refused(tmp_path):
    rows = [
        {**row, "split": ["test", "train"][n > 3], "label": row["label"] if n < 4 else ""}
        for n, row in enumerate(table_rows())
    ]
    with pytest.raises(InputError, match="no utterance of split train has a label"):
        read(tmp_path, rows)


def test_a_dev_split_without_labels_is_refused(tmp_path):
    splits = {"d0": "dev", "d1": "test"}
    rows = [{**row, "split": splits.get(row["dialogue"], "train")} for row in table_rows()]
    rows = [{**row, "label": "" if row["split"] == "dev" else row["label"]} for row in rows]
    with pytest.raises(InputError, match=r"split dev has a label; .*corpus\.split_seed"):
        read(tmp_path, rows)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "utterances.jsonl",
            b'{"text": "\\ud800"}\n',
            r"text: holds half of a character",
        ),
        ("utterances.jsonl", b'{"dialogue": 1}\n[2]\n', r"line 2: is no JSON object"),
        ("utterances.jsonl", b'{"dialogue": 1,\n', r"line 1: .*; expected a JSON object"),
        ("utterances.jsonl", b"[" * 100_000, r"line 1: .*; expected a JSON object"),
        ("utterances.jsonl", b"", r"has no rows"),
        ("utterances.jsonl", '{"a": "x"}'.encode("utf-16-le"), r"line 1: holds a zero byte; .*le"),
        ("utterances.tsv", b"dialogue;utterance;speaker\n1;1;A\n", r"separated by '\\t'"),
        ("utterances.csv", b"dialogue|utterance\n1|a, b\n", r"line 2: 2 .*separated by ','"),
        (
            "utterances.tsv",
            b"A\t0:01\t0.5\tHi\nB\t1\t2\tHo\n",
            r"names of the columns in the first",
        ),
        ("utterances.csv", b"Table 1\ndialogue,utterance\n", r"line 2: 2 .*names in the first row"),
        (
            "utterances.csv",
            b"Table 1,,\ndialogue,utterance,speaker\n",
            r"has no column dialogue.*; expected the names of the columns in the first row$",
        ),
        (
            "utterances.tsv",
            b"dialogue\tutterance\tspeaker\n1\t1\t1\tA\n",
            r"line 2: 4 values; expected 3.* with '\\t' in it, and a name for every column",
        ),
        ("utterances.csv", b"a,b,a\n1,1,1\n", r"'a' appears twice in the header; expected each"),
        ("utterances.jsonl", b'{"a": 1, "a": 2}\n', r"line 1: 'a' appears twice"),
        ("utterances.csv", b"PK\x03\x04", r"is a packed file, such as an Excel workbook; expected"),
        ("utterances.tsv", b"dialogue\tutterance\n1\t1\n", r"has no column speaker; .*ITS NAME"),
        (
            "utterances.tsv",
            b'dialogue\tutterance\tspeaker\ttext\n1\t1\tA\t"Oh," he said\n',
            r"line 2: .*; expected a cell that begins with a quote to end with one",
        ),
        (
            "utterances.tsv",
            b"dialogue\tutterance\tspeaker\ttext\n"
            b'1\t1\tA\t"Dear\n1\t2\tA\tCarol,\n1\t3\tA\tyours"\n1\t4\tA\tAnn\n',
            r"line 4, column text: holds tabs and line breaks as 2 more rows have them; expected",
        ),
        (
            "utterances.csv",
            b"\xef\xbb\xbfdialogue,utterance\n1,1\n\xef\xbb\xbfdialogue,utterance\n2,1\n",
            r"line 3: is the header once more; expected rows alone",
        ),
        ("utterances.parquet", b"PAR1 and so on", r"not a whole Parquet file"),
        ("utterances.tsv", b"dialogue\tutterance\tspeaker\n", r"has no rows"),
        ("utterances.xlsx", b"PK", r"not a whole Excel workbook"),
        (
            "utterances.ods",
            b"PK",
            r"ends in '\.ods'; expected .*\.jsonl, \.xlsx, \.parquet",
        ),
        (
            "utterances.tsv",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            r"is a Git LFS pointer, not the file itself; run: git lfs pull",
        ),
        ("utterances.csv", b"<!DOCTYPE html><html>", r"is a web page, not the file itself"),
    ],
)
def test_unreadable_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_corpus(replace(SETTINGS["table"], file=name), tmp_path)


def test_a_table_out_of_a_spreadsheet_is_read(tmp_path):
    """A byte order mark, lines that end in CRLF, cells of several lines, a name in capitals."""
    lines = ["dialogue,utterance,speaker,text,label"]
    lines += [f'd{number},1,A,"Two\r\nlines, ""here""",{"xy"[number % 2]}' for number in range(8)]
    path = tmp_path / "UTTERANCES.CSV"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines, ""]).encode())
    corpus = read_corpus(replace(SETTINGS["table"], file=path.name), tmp_path)
    assert set(corpus.utterances["text"]) == {'Two\r\nlines, "here"'}
    assert corpus.classes == ["x", "y"]


def test_a_line_that_names_the_separator_and_empty_rows_are_no_rows(tmp_path):
    rows = ["sep=;", "dialogue;utterance;speaker;text;label", "; ;;;"]
    rows += [";".join(row.values()) for row in table_rows()]
    (tmp_path / "utterances.csv").write_text("\r\n".join([*rows, ";;;;", " ;;;;", ""]))
    csv = read_corpus(replace(SETTINGS["table"], file="utterances.csv"), tmp_path)
    pd.testing.assert_frame_equal(csv.utterances, read(tmp_path, table_rows()).utterances)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_truth_values_are_names_too(tmp_path, suffix):
    rows = [{**row, "label": row["label"] == "calm"} for row in table_rows()]
    assert read(tmp_path, rows, suffix).classes == ["False", "True"]


def test_lengths_of_time_and_dates_are_read(tmp_path):
    frame = pd.DataFrame(table_rows()).assign(
        dialogue=pd.Timestamp("2024-01-31") + pd.to_timedelta(np.arange(20) // 2, "D"),
        media=[f"{number}.mp4" for number in range(20)],
        start=pd.Timedelta(seconds=2.5),
        end=pd.Timedelta(minutes=2),
    )
    frame.to_parquet(tmp_path / "utterances.parquet")
    corpus = read_corpus(replace(SETTINGS["table"], file="utterances.parquet"), tmp_path)
    assert "2024-02-01" in {name.split("/")[1] for name in corpus.utterances["dialogue_id"]}
    assert set(corpus.utterances["media_start_s"]) == {2.5}
    assert set(corpus.utterances["media_end_s"]) == {120.0}


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_csv_is_read_with_what_its_header_has_in_place_of_commas(tmp_path, separator, line_end):
    lines = [["dialogue", "utterance", "speaker", "text", "label"]]
    lines += [[f"d{n}", "1", "A", "Two, three", "xy"[n % 2]] for n in range(8)]
    text = line_end.join(separator.join(line) for line in lines)
    (tmp_path / "utterances.csv").write_bytes(text.encode())
    corpus = read_corpus(replace(SETTINGS["table"], file="utterances.csv"), tmp_path)
    assert set(corpus.utterances["text"]) == {"Two, three"}
    assert corpus.classes == ["x", "y"]


def test_a_cell_that_holds_a_list_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"line 1, column speaker: holds a list"):
        read(tmp_path, changed(0, speaker=["A", "B"]), "jsonl")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"utterances\.tsv: no such file; corpus\.file names it"):
        read_corpus(SETTINGS["table"], tmp_path)
    (tmp_path / "annotations.csv").write_text("dialogue\n")
    with pytest.raises(InputError, match=r"inside corpus\.root \(there: annotations\.csv\)"):
        read_corpus(SETTINGS["table"], tmp_path)
