"""``cberl init`` and ``cberl check``, as somebody with a folder of recordings uses them."""

import csv
import pickle
from dataclasses import replace

import pytest
import yaml
from made_corpora import MAKERS, make_clips, published_fields, table_rows, write_table

from cberl.cli import main
from cberl.commands.check import load_configuration, print_remarks
from cberl.configuration import PROJECT
from cberl.corpus.discovery.named_files import NAMINGS
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with a folder ``mine``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    return tmp_path


def start(here, *arguments):
    """Init and what it wrote: settings and corpus."""
    assert main(["init", str(here / "mine"), *arguments]) == 0
    settings = load_configuration(here / "mine.yaml")
    return settings, read_corpus(settings.corpus, here / "mine")


def check(here, capsys):
    """Exit status and output of a check of what init wrote."""
    capsys.readouterr()
    status = main(["check", "--configfile", "mine.yaml"])
    return status, capsys.readouterr().out


STEMS = {
    "RAVDESS": [f"03-01-{e:02}-01-01-01-{a:02}" for e in (1, 5, 8) for a in range(1, 6)],
    "EmoDB": [f"{speaker}a01{letter}a" for letter in "WFN" for speaker in ("03", "08", "09", "10")],
    "CREMA-D": [f"10{a:02}_IEO_{code}_LO" for code in ("ANG", "SAD") for a in range(1, 6)],
    "TESS": [f"{speaker}_back_{e}" for speaker in ("OAF", "YAF") for e in ("ps", "sad", "fear")],
    "SAVEE": [f"{s}_{code}0{n}" for s in ("DC", "JE", "JK", "KL") for code in "as" for n in "12"],
}
STEMS["SAVEE"] = [stem.replace("_s0", "_su0") for stem in STEMS["SAVEE"]]
SPELT = {
    "RAVDESS": {"neutral", "angry", "surprised"},
    "EmoDB": {"anger", "happiness", "neutral"},
    "CREMA-D": {"anger", "sad"},
    "TESS": {"pleasant surprise", "sad", "fear"},
    "SAVEE": {"anger", "surprise"},
}


@pytest.mark.parametrize("name", [naming.name for naming in NAMINGS])
def test_names_of_public_corpora_are_read(here, capsys, name):
    make_clips(here / "mine/audio", [f"{stem}.wav" for stem in STEMS[name]] + ["._x.wav"])
    settings, corpus = start(here)
    assert f"named as {name}'s" in capsys.readouterr().out
    assert settings.modalities == ("audio",)
    assert set(corpus.classes) == SPELT[name]
    assert set(corpus.utterances["media_path"]) == {f"audio/{stem}.wav" for stem in STEMS[name]}
    assert "unknown" not in set(corpus.utterances["speaker"])


def test_speakers_are_dealt_whole(here):
    make_clips(here / "mine", [f"{stem}.wav" for stem in STEMS["RAVDESS"]])
    _, corpus = start(here)
    assert corpus.utterances.groupby("speaker")["split"].nunique().eq(1).all()
    assert set(corpus.utterances["split"]) == {"train", "dev", "test"}
    assert corpus.split_by == "speaker"


def test_names_of_ones_own_take_a_pattern(here, capsys):
    names = [f"{s}_{label}_{n}.mp4" for s in "abcd" for label in ("joy", "rage") for n in (1, 2)]
    make_clips(here / "mine", [*names, "readme.mp4"])
    assert main(["init", "mine"]) == 2
    assert "not recognised (17 media files, first a_joy_1.mp4)" in capsys.readouterr().err
    settings, corpus = start(here, "--pattern", r"^(?P<speaker>[a-z])_(?P<label>[a-z]+)_\d")
    out = capsys.readouterr().out
    assert "media files with other names are left out: 1, first readme.mp4" in out
    assert settings.modalities == ("audio", "video")
    assert corpus.classes == ["joy", "rage"]
    assert len(corpus.utterances) == 16


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", r"--pattern: .*; expected a regular expression"),
        (r"(?P<label>\w)", r"has the groups label; expected \(\?P<speaker>"),
        (r"(?P<label>\w)(?P<speaker>\w)(?P<mood>\w)", r"no others but dialogue, utterance"),
        (r"(?P<label>\d)(?P<speaker>\d)", r"fits none of 1 files in .*, first a_joy"),
    ],
)
def test_patterns_that_do_not_fit_are_refused(here, capsys, pattern, message):
    import re

    make_clips(here / "mine", ["a_joy.wav"])
    assert main(["init", "mine", "--pattern", pattern]) == 2
    assert re.search(message, capsys.readouterr().err)


def test_folders_may_be_called_like_labels(here, capsys):
    for label in ("calm", "cross"):
        make_clips(here / "mine" / label, [f"{number}.wav" for number in range(8)])
    _, corpus = start(here)
    assert "in 2 folders, whose names are taken for labels" in capsys.readouterr().out
    assert corpus.classes == ["calm", "cross"]


@pytest.mark.parametrize("kind", ["meld", "iemocap"])
def test_public_corpora_get_the_configuration_of_the_project(here, capsys, kind):
    MAKERS[kind](here / "mine")
    settings, corpus = start(here)
    assert settings.corpus.kind == kind
    assert settings.corpus.root == str(here / "mine")
    assert settings.modalities == ("text", "audio", "video")
    assert settings.features == load_configuration(PROJECT / f"config/{kind}.yaml").features
    assert len(corpus.utterances)


AUDFORMAT = {
    "name": "talks",
    "splits": {"train": {"type": "train"}, "dev": {"type": "dev"}, "test": {"type": "test"}},
    "tables": {
        "files": {"type": "filewise", "columns": {"speaker": {}, "transcription": {}}},
        **{
            f"emotion.{split}": {"type": "segmented", "split_id": split, "columns": {"emotion": {}}}
            for split in ("train", "dev", "test")
        },
    },
}


def test_a_database_in_audformat_is_read(here):
    folder = here / "mine"
    (folder / "db.yaml").write_text(yaml.safe_dump(AUDFORMAT))
    files = ["file,speaker,transcription"]
    for split in ("train", "dev", "test"):
        lines = ["file,start,end,emotion"]
        for number in range(2):
            name = f"audio/{split}{number}.wav"
            files.append(f"{name},s{number},Hello {number}.")
            lines.append(f"{name},0 days,0 days 00:00:01.5,joy")
            lines.append(f"{name},0 days 00:00:01.5,0 days 00:01:02,anger")
        (folder / f"db.emotion.{split}.csv").write_text("\n".join(lines) + "\n")
    (folder / "db.files.csv").write_text("\n".join(files) + "\n")
    settings, corpus = start(here)
    assert settings.modalities == ("text", "audio")
    assert corpus.classes == ["anger", "joy"]
    second = corpus.utterances.iloc[1]
    assert (second["split"], second["speaker"], second["text"]) == ("train", "s0", "Hello 0.")
    assert second["media_path"] == "audio/train0.wav"
    assert (second["media_start_s"], second["media_end_s"]) == (1.5, 62.0)
    assert corpus.utterances["split"].value_counts().to_dict() == dict.fromkeys(
        ("train", "dev", "test"), 4
    )


def test_a_table_of_ones_own_gets_its_columns_labels_and_encoding_mapped(here, capsys):
    header = ["Dialogue_ID", "Utterance_ID", "Speaker", "Utterance", "Emotion", "Partition", "Age"]
    with (here / "mine/annotations.csv").open("w", encoding="gbk", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        for number in range(24):
            emotion = ("Joy", "joy", "joy", "anger", "nan")[number % 5]
            split = ("train", "train", "dev", "test")[number // 2 % 4]
            text = "今天天气真好，我们去公园散步吧"
            writer.writerow([number // 2, number % 2, "AB"[number % 2], text, emotion, split, 30])
    settings, corpus = start(here)
    assert settings.corpus.columns == {
        "Dialogue_ID": "dialogue",
        "Utterance_ID": "utterance",
        "Speaker": "speaker",
        "Utterance": "text",
        "Emotion": "label",
        "Partition": "split",
    }
    assert settings.corpus.labels == {"Joy": "joy", "nan": None}
    assert corpus.classes == ["anger", "joy"]
    assert set(corpus.utterances["text"]) == {"今天天气真好，我们去公园散步吧"}
    assert corpus.notices[0] == "annotations.csv: not read: column Age"
    assert "guess" in (here / "mine.yaml").read_text()


def test_a_table_without_a_header_is_told(here, capsys):
    (here / "mine/train.tsv").write_text("What a day!\t4\tid1\nNo.\t2\tid2\n")
    assert main(["init", "mine"]) == 2
    assert "whose first row names neither labels nor texts: train.tsv" in capsys.readouterr().err


def test_nothing_is_overwritten(here, capsys):
    make_clips(here / "mine", [f"{stem}.wav" for stem in STEMS["EmoDB"]])
    (here / "mine.yaml").write_text("corpus: mine")
    assert main(["init", "mine"]) == 2
    error = capsys.readouterr().err
    assert "mine.yaml: exists already; remove it, or name another one by --configfile" in error
    assert not (here / "mine/utterances.tsv").exists()
    assert main(["init", "mine", "--configfile", "other.yaml"]) == 0
    assert (here / "mine.yaml").read_text() == "corpus: mine"


def test_a_folder_that_is_not_there_is_told(here, capsys):
    assert main(["init", "yours"]) == 2
    assert "yours: no such folder" in capsys.readouterr().err


def with_clips(here):
    rows = [
        {**row, "media": f"m{number}.mp4", "split": ("train", "dev", "test", "train")[number // 5]}
        for number, row in enumerate(table_rows())
    ]
    rows = [{**row, "dialogue": f"d{number // 5}{number % 5}"} for number, row in enumerate(rows)]
    make_clips(here / "mine", [f"m{number}.mp4" for number in range(20) if number != 7])
    write_table(here / "mine/utterances.tsv", [{**row, "remark": "x"} for row in rows])


def test_check_tells_what_a_corpus_holds(here, capsys):
    with_clips(here)
    start(here)
    status, out = check(here, capsys)
    assert status == 0
    for line in (
        "corpus mine: kind table, ",
        "columns read: dialogue, utterance, speaker, text, label, media, split",
        "columns not read: remark",
        "20 utterances in 20 dialogues of 1 turns; 2 speakers",
        "train          10         10         2            10",
        "calm       6    2     2",
        "cross      4    3     3",
        "text: 20 of 20 utterances have a text",
        "video: 19 of 20 utterances have a file; missing: m7.mp4",
        "  train/d00/u0: A, calm\n    text: It’s 0.\n    media: m0.mp4, all of it",
        "note: utterances.tsv: not read: column remark",
        "a whole run: roughly ",
        "disk: roughly ",
        "next problem: none that can be seen before the run",
    ):
        assert line in out, line


def test_escape_sequences_of_a_table_reach_no_terminal(here, capsys):
    with_clips(here)
    path = here / "mine/utterances.tsv"
    path.write_text(path.read_text().replace("remark", "re\x1b[31mmark"))
    start(here)
    _, out = check(here, capsys)
    assert "\x1b" not in out
    assert r"columns not read: re\x1b[31mmark" in out


def test_a_run_starts_with_remarks_on_its_corpus_or_ends_in_one_line(here, capsys):
    with_clips(here)
    path = here / "mine/utterances.tsv"
    path.write_text(path.read_text().replace("remark", "re\x1b[31mmark"))
    settings, corpus = start(here)
    capsys.readouterr()
    print_remarks(corpus, here / "mine", settings)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert r"note: utterances.tsv: not read: column re\x1b[31mmark" in printed.err
    assert "note: video: 1 of 20 utterances have no file, first m7.mp4" in printed.err
    strict = replace(settings, corpus=replace(settings.corpus, max_unavailable=0.01))
    with pytest.raises(SystemExit, match="error: too much of the corpus cannot be used"):
        print_remarks(corpus, here / "mine", strict)
    with pytest.raises(SystemExit, match="error: odd"):
        print_remarks(InputError("odd"), here / "mine", settings)


def test_check_tells_the_next_problem_after_what_could_be_read(here, capsys):
    with_clips(here)
    start(here)
    path = here / "mine/utterances.tsv"
    path.write_text(path.read_text().replace("calm", "Cross", 1))
    status, out = check(here, capsys)
    assert status == 2
    assert "  line 2: d00 | u0 | A | It’s 0. | Cross | m0.mp4 | train | x" in out
    assert "next problem: " in out
    assert "{Cross: cross}" in out.splitlines()[-1]


def test_check_reads_text_out_of_a_pickle(here, capsys):
    fields = published_fields()
    train, dev = fields["train"][:4], fields["train"][4:]
    content = (*(fields[name] for name in ("speakers", "labels", "sentences")), train)
    (here / "mine/talks.pkl").write_bytes(pickle.dumps((*content, fields["test"], dev)))
    (here / "mine.yaml").write_text(
        "corpus: {name: mine, kind: table, root: mine, file: talks.pkl}\nmodalities: [text]\n"
    )
    status, out = check(here, capsys)
    assert status == 0
    assert "18 utterances in 6 dialogues" in out
    assert "text: 18 of 18 utterances have a text" in out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("a: [", "no YAML"),
        ("- 1", "holds no keys"),
        ("corpus: {name: a, kind: tabel, root: .}", "corpus.kind is 'tabel'; expected one of"),
    ],
)
def test_check_refuses_what_is_no_configuration(here, content, message):
    if content is not None:
        (here / "a.yaml").write_text(content)
    with pytest.raises(InputError, match=message):
        load_configuration(here / "a.yaml")


def test_the_cost_grows_with_the_corpus_and_the_run(here):
    from cberl.commands.run_cost import _disk_bytes, _extraction_s, _training_s

    with_clips(here)
    settings, corpus = start(here)
    one = {"a": {"oversampler": "none", "fusion": "concat"}}
    two = one | {"b": {"oversampler": "gan", "fusion": "vae"}}
    assert _training_s(corpus, settings, two) > _training_s(corpus, settings, one)
    assert _disk_bytes(corpus, settings, two) > _disk_bytes(corpus, settings, one)
    text = replace(settings, modalities=("text",))
    assert _extraction_s(corpus, text) < _extraction_s(corpus, settings)


def test_a_table_for_each_split_becomes_one(here, capsys):
    for split, name in (("train", "train.csv"), ("dev", "val.csv"), ("test", "my_test.csv")):
        rows = [{"Sentence": f"Line {n}, {split}.", "Emotion": "ab"[n % 2]} for n in range(4)]
        write_table(here / "mine" / name, rows)
    settings, corpus = start(here)
    out = capsys.readouterr().out
    assert "12 rows of train.csv, val.csv, my_test.csv" in out
    assert "no column that looks like dialogue, utterance, speaker: they are filled in" in out
    assert settings.modalities == ("text",)
    assert corpus.utterances["split"].value_counts().to_dict() == dict.fromkeys(
        ("train", "dev", "test"), 4
    )
    assert corpus.utterances["text"].iloc[0] == "Line 0, train."
    assert corpus.utterances["dialogue_id"].nunique() == 12


def test_dialogues_that_are_numbered_anew_in_each_split_stay_apart(here, capsys):
    for split in ("train", "dev", "test"):
        rows = [
            {"conv_id": n // 4, "speaker": "AB"[n % 2], "Sentence": f"Line {n}.", "Emotion": label}
            for n, label in enumerate("abababab")
        ]
        write_table(here / f"mine/{split}.csv", rows)
    _, corpus = start(here)
    assert "2 dialogues are called alike in several files" in capsys.readouterr().out
    assert corpus.utterances["split"].value_counts().to_dict() == dict.fromkeys(
        ("train", "dev", "test"), 8
    )
    assert corpus.utterances["dialogue_id"].unique()[:2].tolist() == [
        "train/train-0",
        "train/train-1",
    ]
    assert corpus.utterances["utterance_id"].iloc[5] == "train/train-1/2"


def test_groups_and_sounds_are_put_together_too(here):
    for split in ("train", "dev", "test"):
        rows = [
            {"text": f"Line {n}.", "label": "ab"[n % 2], "group": split, "audio": f"{split}{n}.wav"}
            for n in range(4)
        ]
        write_table(here / f"mine/{split}.csv", rows)
    settings, corpus = start(here)
    assert corpus.split_by == "group"
    assert corpus.utterances["audio_path"].iloc[0] == "train0.wav"
    assert settings.modalities == ("text", "audio")


def test_sound_in_files_of_its_own_takes_nothing_from_films(here):
    media = {"media": "film.mp4", "start": "1", "end": "2", "audio": "sound.wav"}
    rows = [{**row, **media} for row in table_rows()]
    write_table(here / "mine/all.csv", rows)
    assert main(["init", str(here / "mine")]) == 0
    assert load_configuration(here / "mine.yaml").modalities == ("text", "audio", "video")


def test_what_a_table_has_and_init_leaves_out_is_told(here, capsys):
    rows = [{**row, "media": "talk.mp4", "mo\nod": "x"} for row in table_rows()]
    rows[0]["media"] = "talk.wav"
    write_table(here / "mine/all.csv", rows)
    assert main(["init", str(here / "mine")]) == 0
    assert load_configuration(here / "mine.yaml").modalities == ("text", "audio")
    out = capsys.readouterr().out
    assert "note: not read: column mo\nod\n" in out
    assert "note: video is left out of modalities: some of the media files hold sound alone" in out


def test_check_counts_sound_alone_as_no_picture(here, capsys):
    with_clips(here)
    start(here)
    table = here / "mine/utterances.tsv"
    table.write_text(table.read_text().replace("m3.mp4", "m3.wav"))
    make_clips(here / "mine", ["m3.wav"])
    _, out = check(here, capsys)
    assert "video: 18 of 20 utterances have a file; missing: m7.mp4; of sound alone: m3.wav" in out
    assert "note: video: 1 of 20 utterances have a file of sound alone, first m3.wav" in out


def test_a_table_of_single_sentences_gets_dialogues(here, capsys):
    rows = [{"text": f"Line {n}.", "label": ["joy", "fear"][n % 2]} for n in range(20)]
    write_table(here / "mine/sentences.csv", rows)
    settings, corpus = start(here)
    assert settings.corpus.split_by == "dialogue"
    assert corpus.utterances["dialogue_id"].nunique() == 20
    assert set(corpus.utterances["split"]) == {"train", "dev", "test"}


def test_each_table_may_be_a_conversation(here, capsys):
    for number in range(6):
        rows = [
            {"speaker": "AB"[n % 2], "text": f"Line {n}.", "emotion": "xy"[n % 2]} for n in range(3)
        ]
        write_table(here / f"mine/talk{number}.csv", rows)
    _, corpus = start(here)
    out = capsys.readouterr().out
    assert "the 6 tables have the same columns, and none for a dialogue: each is taken" in out
    assert "guessed from names, check each of them: emotion is label" in out
    assert corpus.utterances.groupby("dialogue_id").size().tolist() == [3] * 6
    assert "talk4" in {name.split("/")[1] for name in corpus.utterances["dialogue_id"]}


def test_tables_that_are_left_out_are_named(here, capsys):
    for name in ("train", "dev", "test", "train_2"):
        rows = [{"text": f"Line {n}, {name}.", "label": "ab"[n % 2]} for n in range(4)]
        write_table(here / f"mine/{name}.csv", rows)
    (here / "mine/words.csv").write_text("word\nhello, you\n")
    _, corpus = start(here)
    out = capsys.readouterr().out
    assert "note: other tables are not read: train_2.csv\n" in out
    assert "note: a table cannot be read: " in out
    assert "words.csv: line 2: 2 values; expected 1" in out
    assert corpus.utterances["text"].iloc[0] == "Line 0, train."


def test_what_is_wrong_with_the_only_table_is_told(here, capsys):
    write_table(here / "mine/all.csv", table_rows())
    with (here / "mine/all.csv").open("a") as handle:
        handle.write("d9,u9,A,Oh, no,calm\n")
    assert main(["init", "mine"]) == 2
    assert "not recognised; " in (error := capsys.readouterr().err)
    assert "all.csv: line 22: 6 values; expected 5" in error


@pytest.mark.parametrize("sound", [{"bytes": "x", "path": "a.wav"}, [0.1, 0.2]])
def test_sound_in_the_cells_of_a_table_is_left_out(here, capsys, sound):
    rows = [{"text": row["text"], "label": row["label"], "audio": sound} for row in table_rows()]
    write_table(here / "mine/all.parquet", rows)
    settings, _ = start(here)
    assert "column audio is left out: it holds neither text nor numbers" in capsys.readouterr().out
    assert settings.modalities == ("text",)
    write_table(here / "mine/all.parquet", [{**row, "audio": sound} for row in table_rows()])
    for name in ("mine.yaml", "mine/utterances.tsv"):
        (here / name).unlink()
    settings, _ = start(here)
    assert settings.corpus.columns == {"audio": None}


def test_minus_one_is_left_to_its_owner(here, capsys):
    rows = [{**row, "label": str(number % 3 - 1)} for number, row in enumerate(table_rows())]
    write_table(here / "mine/all.csv", rows)
    assert main(["init", "mine"]) == 0
    status, out = check(here, capsys)
    assert status == 2
    assert "or {'-1': '-1'} to keep a class of that name" in out


def test_turns_stand_in_the_order_of_their_numbers(here):
    names = [f"d{d}_u{u}_{'ab'[u % 2]}_joy{d % 2}.wav" for d in range(4) for u in range(12)]
    make_clips(here / "mine", names)
    pattern = r"(?P<dialogue>d\d)_u(?P<utterance>\d+)_(?P<speaker>[ab])_(?P<label>joy\d)"
    _, corpus = start(here, "--pattern", pattern)
    turns = corpus.utterances[corpus.utterances["dialogue_id"].str.endswith("/d1")]
    assert turns["utterance_id"].str.split("/").str[2].tolist() == [str(n) for n in range(12)]
    assert not [notice for notice in corpus.notices if "order" in notice]
