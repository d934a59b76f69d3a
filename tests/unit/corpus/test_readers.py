"""What every reader of a corpus promises, whatever its kind."""

from dataclasses import replace

import pytest
from made_corpora import MAKERS, SETTINGS

from cberl.artifacts import read_header, read_table, write_table
from cberl.corpus.annotations import annotation_files
from cberl.corpus.readers.read_corpus import READERS, read_corpus
from cberl.corpus.tables import LABELS, UTTERANCES
from cberl.errors import InputError
from cberl.modalities import SPLITS


@pytest.fixture(params=sorted(READERS))
def made(request, tmp_path):
    """Settings and root of a small corpus of each kind."""
    MAKERS[request.param](tmp_path)
    return SETTINGS[request.param], tmp_path


def test_tables_are_written_and_read_back(made, tmp_path):
    corpus = read_corpus(*made)
    write_table(tmp_path / "utterances.parquet", UTTERANCES, corpus.utterances, {})
    written = read_table(tmp_path / "utterances.parquet", UTTERANCES)
    assert written["utterance_id"].tolist() == corpus.utterances["utterance_id"].tolist()
    for split in SPLITS:
        path = tmp_path / f"{split}.parquet"
        facts = {"classes": corpus.classes}
        write_table(path, LABELS, corpus.labels_of(split), {}, metadata=facts)
        ids = read_table(path, LABELS)["utterance_id"].tolist()
        assert ids == written.loc[written["split"] == split, "utterance_id"].tolist()
        assert read_header(path)["metadata"]["classes"] == corpus.classes


def test_ids_are_split_dialogue_and_utterance(made):
    utterances = read_corpus(*made).utterances
    assert utterances["utterance_id"].is_unique
    for row in utterances.itertuples():
        assert row.dialogue_id.startswith(f"{row.split}/")
        assert row.utterance_id.startswith(f"{row.dialogue_id}/")


def test_splits_come_in_order_and_share_no_dialogue(made):
    utterances = read_corpus(*made).utterances
    assert list(dict.fromkeys(utterances["split"])) == list(SPLITS)


def test_dialogues_stand_together_and_turns_count_from_0(made):
    utterances = read_corpus(*made).utterances
    runs = (utterances["dialogue_id"] != utterances["dialogue_id"].shift()).sum()
    assert runs == utterances["dialogue_id"].nunique()
    for turns in utterances.groupby("dialogue_id")["turn"]:
        assert turns[1].tolist() == list(range(len(turns[1])))


def test_labels_are_classes_or_null(made):
    corpus = read_corpus(*made)
    assert len(corpus.classes) >= 2
    for split in SPLITS:
        assert set(corpus.labels_of(split)["label"].dropna()) <= set(corpus.classes)
    assert "label" not in corpus.utterances


def test_reading_twice_gives_the_same(made):
    first, second = read_corpus(*made), read_corpus(*made)
    assert first.utterances.equals(second.utterances)
    assert first.labels.equals(second.labels)


def test_media_paths_are_files_below_the_root(made):
    settings, root = made
    utterances = read_corpus(settings, root).utterances
    for column in ("media_path", "audio_path"):
        assert all((root / path).is_file() for path in utterances[column].dropna())


def test_annotations_are_found_and_the_missing_are_named(made):
    settings, root = made
    files = annotation_files(settings, root)
    assert files
    assert all(file.is_file() for file in files)
    files[-1].unlink()
    with pytest.raises(InputError, match=r"no such file|no transcriptions"):
        annotation_files(settings, root)


def test_a_label_outside_the_classes_is_refused(made):
    settings, root = made
    with pytest.raises(InputError, match="expected"):
        read_corpus(replace(settings, classes=("serenity", "glee")), root)


@pytest.mark.parametrize("file", ["../../etc/passwd", "/etc/passwd", "a/../../b.tsv"])
def test_a_file_outside_the_corpus_is_refused(tmp_path, file):
    with pytest.raises(InputError, match=r"corpus\.file: .* leads out of corpus\.root"):
        annotation_files(replace(SETTINGS["table"], file=file), tmp_path)
