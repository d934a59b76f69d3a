"""What would stop a run late stops it at once; what stops nothing is said."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_corpora import SETTINGS, make_clips, published_fields, table_rows, write_table

from cberl.corpus.look_ahead import look_ahead
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.corpus.trainable import find_gaps, find_repeats
from cberl.errors import InputError

MAX_TOKENS = 16
ALL = ["text", "audio", "video"]
DEALT = ["train"] * 6 + ["dev"] * 2 + ["test"] * 2


def with_media(**changes):
    """Twenty utterances in ten dialogues, each with a clip of its own."""
    return [
        {**row, "split": DEALT[number // 2], "media": f"m{number}.mp4", **changes}
        for number, row in enumerate(table_rows())
    ]


def look(root, rows, modalities=ALL, clips=range(20), limit=0.2, **settings):
    make_clips(root, [f"m{number}.mp4" for number in clips])
    write_table(root / "utterances.tsv", rows)
    corpus = read_corpus(replace(SETTINGS["table"], **settings), root)
    return look_ahead(corpus, root, modalities, limit, MAX_TOKENS)


def test_a_whole_corpus_gives_no_notice(tmp_path):
    assert look(tmp_path, with_media()) == []


@pytest.mark.parametrize(
    ("column", "modalities", "message"),
    [
        ("text", ALL, r"text is asked for, .*column text .*; write modalities: \[audio, video\]"),
        ("media", ALL, r"audio is asked for, .*column media or audio .*modalities: \[text\]"),
        ("media", ["video"], r"video is asked for, but no utterance has any \(column media of the"),
    ],
)
def test_a_modality_that_no_row_has_is_refused_with_the_remedy(
    tmp_path, column, modalities, message
):
    rows = [{name: row[name] for name in row if name != column} for row in with_media()]
    with pytest.raises(InputError, match=message):
        look(tmp_path, rows, modalities)


def test_a_modality_that_a_file_of_features_lacks_is_refused_with_the_remedy(tmp_path):
    fields = published_fields(widths=(("text", 4), ("audio", 3), ("video", 2)))
    columns = {
        "dialogue": [name for name in fields["ids"] for _ in range(3)],
        "utterance": [utterance for own in fields["ids"].values() for utterance in own],
        "speaker": ["A"] * 18,
        "label": ["a", "b"] * 9,
        "text_features": [list(map(float, row)) for own in fields["text"].values() for row in own],
    }
    pq.write_table(pa.table(columns), tmp_path / "made.parquet")
    corpus = read_corpus(replace(SETTINGS["features"], file="made.parquet"), tmp_path)
    assert look_ahead(corpus, tmp_path, ["text"], 0.2, MAX_TOKENS) == list(corpus.notices)
    message = r"has no audio features; expected some of text; write modalities: \[text\]"
    with pytest.raises(InputError, match=message):
        look_ahead(corpus, tmp_path, ["text", "audio"], 0.2, MAX_TOKENS)


def test_too_many_missing_files_are_told_before_any_is_decoded(tmp_path):
    with pytest.raises(InputError, match=r"audio: 5 of 20 \(missing 5\), first dev/d7/u1 \(m15"):
        look(tmp_path, with_media(), clips=range(15))
    assert look(tmp_path, with_media(), clips=range(16)) == [
        f"{name}: 4 of 20 utterances have no file, first m16.mp4" for name in ("audio", "video")
    ]


def test_files_of_sound_alone_are_no_video(tmp_path):
    names = [f"m{number}.wav" for number in range(20)]
    make_clips(tmp_path, names)
    rows = [{**row, "media": name} for row, name in zip(with_media(), names, strict=True)]
    message = r"video: 20 of 20 \(no_video_stream 20\).* write modalities: \[text, audio\]$"
    with pytest.raises(InputError, match=message):
        look(tmp_path, rows)
    assert look(tmp_path, rows, ["text", "audio"]) == []


@pytest.mark.parametrize(
    "name", ["m{}.mp4", "m{}", "video\\m{}.mp4", "C:\\a\\m{}.mp4", "/a/m{}.mp4"]
)
def test_where_files_are_instead_is_told(tmp_path, name):
    make_clips(tmp_path / "clips", [f"m{number}.mp4" for number in range(20)])
    rows = [{**row, "media": name.format(at)} for at, row in enumerate(with_media())]
    with pytest.raises(InputError, match=r"; clips/m0\.mp4 is there: paths in the table start"):
        look(tmp_path, rows, clips=())


def test_without_any_file_it_is_told_how_to_do_without(tmp_path):
    with pytest.raises(InputError, match=r"; without these files write modalities: \[text\]$"):
        look(tmp_path, with_media(), clips=())


@pytest.mark.parametrize("path", ["/elsewhere/a.mp4", "C:\\talks\\a.mp4", "\\\\server\\a.mp4"])
def test_paths_outside_the_root_are_told_with_the_remedy(tmp_path, path):
    rows = with_media(media=path)
    with pytest.raises(InputError, match=r"outside_root 20.*link its folder into the root, or set"):
        look(tmp_path, rows, shared_media=True)


def test_files_under_another_spelling_are_found_and_told(tmp_path):
    rows = with_media()
    rows[3]["media"] = "M3.MP4"
    assert look(tmp_path, rows) == [
        "files with slightly different names: 1, first M3.MP4 found as m3.mp4"
    ]


@pytest.mark.parametrize("text", ["word " * 17, "我" * 17])
def test_texts_that_are_longer_than_an_encoder_reads_are_told(tmp_path, text):
    rows = with_media()
    rows[3]["text"] = text
    assert look(tmp_path, rows) == [
        "text: 1 of 20 utterances have more than 16 words, first train/d1/u1: the encoder reads "
        "the first 16 tokens of each (features.text.max_tokens)"
    ]
    assert look(tmp_path, rows, modalities=["audio"]) == []


def test_one_class_to_learn_is_refused(tmp_path):
    rows = [{**row, "label": "calm"} if row["split"] == "train" else row for row in with_media()]
    with pytest.raises(InputError, match="all labels of split train are calm; expected at least"):
        look(tmp_path, rows)


def gaps(**labels):
    import pandas as pd

    rows = [
        {"split": split, "dialogue": f"{split}{number}", "label": label}
        for split, names in labels.items()
        for number, label in enumerate(names)
    ]
    return list(find_gaps(pd.DataFrame(rows), ["joy", "fear", "awe"]))


def test_classes_of_some_splits_alone_are_told():
    both = ["joy", "fear", "awe"]
    assert gaps(train=both, dev=both, test=both) == []
    assert gaps(train=["joy", "fear"], dev=["joy"], test=["joy", "fear", "awe"]) == [
        "class awe: no label in train: no model can predict it",
        "class fear: no label in dev: epochs are chosen without it",
    ]
    assert gaps(train=["joy", "fear"], dev=["joy", "awe"], test=["joy"]) == [
        "class awe: no label in train: no model can predict it",
        "class fear: labels in train alone: no score shows how well it is predicted",
    ]
    assert gaps(train=["joy", "joy"], dev=["joy"], test=["joy"]) == [
        "class fear, awe: no label in any split"
    ]
    assert gaps(train=both, dev=["joy", "awe"], test=[None, None]) == [
        "split test has no labels: it is predicted, and nothing is scored",
        "class fear: no label in dev: epochs are chosen without it",
    ]
    assert gaps(train=["joy"], dev=["joy"], test=["joy"])[1].startswith("split train is one dial")


def repeats(*dialogues):
    """Notices about dialogues that are (split, texts, media path or None) each."""
    import pandas as pd

    rows = [
        {"split": split, "dialogue_id": f"{split}/{number}", "text": text, "media_path": media}
        for number, (split, texts, media) in enumerate(dialogues)
        for text in texts
    ]
    return list(find_repeats(pd.DataFrame(rows).assign(media_start_s=1.5)))


def test_dialogues_that_are_in_train_by_another_name_are_noted():
    talk = ("Hi.", "Hello.")
    assert repeats(("train", talk, None), ("dev", ("Hi.", "No."), None), ("test", talk, None)) == [
        "1 of 2 dialogues of dev and test are in train too, first test/2 (as train/0): what is "
        "scored there was trained on"
    ]
    clip = ("train", ("",), "a.mp4"), ("test", ("",), "a.mp4")
    assert "1 of 1 dialogues" in repeats(*clip)[0]
    assert repeats(("train", talk, "a.mp4"), ("test", talk, "b.mp4")) == []
    assert repeats(("train", ("Hi.",), None), ("test", ("Hi.",), None)) == []
    assert repeats(("train", ("", ""), None), ("test", ("", ""), None)) == []
    assert repeats(("train", talk, None), ("train", talk, None)) == []


def test_a_corpus_that_holds_a_dialogue_twice_has_a_notice(tmp_path):
    rows = [{**row, "split": DEALT[n // 2]} for n, row in enumerate(table_rows())]
    write_table(tmp_path / "utterances.tsv", rows)
    corpus = read_corpus(SETTINGS["table"], tmp_path)
    assert [notice for notice in corpus.notices if "4 of 4 dialogues of dev and test" in notice]
