"""Whether a shard's media files are still the same: what changes its digest, and what does not."""

import os
from dataclasses import replace

import pandas as pd
import pytest
from made_corpora import MAKERS, SETTINGS, make_clips, make_meld, table_rows, write_table

from cberl.corpus.media.clip_files import clip_names, clip_states
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.corpus.shards import select_shard

TABLE = replace(SETTINGS["table"], shared_media=True)
SHARDS = 3


@pytest.fixture
def recordings(tmp_path):
    """A table of ten dialogues, each with a recording of its own."""
    write_table(
        tmp_path / "utterances.tsv",
        [row | {"media": f"{row['dialogue']}.mp4"} for row in table_rows()],
    )
    make_clips(tmp_path, [f"d{number}.mp4" for number in range(10)])
    return tmp_path


def states(root):
    return clip_states(read_corpus(TABLE, root).utterances, root, SHARDS)


def shards_of(root, media_path):
    utterances = read_corpus(TABLE, root).utterances
    names = [f"{number}-of-{SHARDS}" for number in range(1, SHARDS + 1)]
    return {
        name for name in names if media_path in set(select_shard(utterances, name)["media_path"])
    }


def changed_shards(root, before):
    after = states(root)
    assert after.keys() == before.keys()
    return {name for name in after if after[name] != before[name]}


def test_nothing_changed_gives_the_same_digests(recordings):
    before = states(recordings)
    assert before.keys() == {"1-of-3", "2-of-3", "3-of-3"}
    assert len(set(before.values())) == 3
    assert states(recordings) == before


@pytest.mark.parametrize("change", ["gone", "longer", "newer"])
def test_a_changed_clip_changes_the_shards_that_need_it(recordings, change):
    before = states(recordings)
    clip = recordings / "d4.mp4"
    if change == "gone":
        clip.unlink()
    elif change == "longer":
        time = clip.stat().st_mtime_ns
        clip.write_bytes(b"longer clip")
        os.utime(clip, ns=(time, time))
    else:
        os.utime(clip, (1, 1))
    assert changed_shards(recordings, before) == shards_of(recordings, "d4.mp4")


def test_a_clip_that_comes_later_changes_its_shard(recordings):
    (recordings / "d7.mp4").unlink()
    before = states(recordings)
    make_clips(recordings, ["d7.mp4"])
    assert changed_shards(recordings, before) == shards_of(recordings, "d7.mp4")


def test_files_that_no_row_names_change_nothing(recordings):
    before = states(recordings)
    make_clips(recordings, ["d10.mp4", "notes.txt"])
    assert changed_shards(recordings, before) == set()


def test_a_clip_that_is_called_a_little_otherwise_changes_its_shard(recordings):
    (recordings / "d4.mp4").rename(recordings / "D4.MP4")
    before = states(recordings)
    (recordings / "D4.MP4").write_bytes(b"longer clip")
    assert changed_shards(recordings, before) == shards_of(recordings, "d4.mp4")


@pytest.fixture
def meld(tmp_path):
    make_meld(tmp_path)
    return tmp_path


def test_clips_without_choice_change_neither_rows_nor_names(meld):
    before = clip_names(SETTINGS["meld"], meld)
    rows = read_corpus(SETTINGS["meld"], meld).utterances
    make_clips(meld / "train_splits", ["._dia0_utt0.mp4", "notes.txt", "dia7_utt7.mp4"])
    (meld / "train_splits/dia0_utt1.mp4").unlink()
    assert clip_names(SETTINGS["meld"], meld) == before
    pd.testing.assert_frame_equal(read_corpus(SETTINGS["meld"], meld).utterances, rows)


@pytest.mark.parametrize("name", ["final_videos_testdia0_utt1.mp4", "DIA0_UTT1.MP4"])
def test_a_clip_that_the_reader_prefers_changes_the_names(meld, name):
    before = clip_names(SETTINGS["meld"], meld)
    make_clips(meld / "output_repeated_splits_test", [name])
    changed = clip_names(SETTINGS["meld"], meld)
    assert changed != before
    (meld / "output_repeated_splits_test/dia0_utt1.mp4").unlink()
    assert clip_names(SETTINGS["meld"], meld) == changed


def test_clips_in_another_folder_change_the_names(meld):
    before = clip_names(SETTINGS["meld"], meld)
    (meld / "output_repeated_splits_test").rename(meld / "elsewhere")
    make_clips(meld / "test_splits", ["dia0_utt0.mp4"])
    assert clip_names(SETTINGS["meld"], meld) != before


@pytest.mark.parametrize("kind", sorted(MAKERS.keys() - {"meld"}))
def test_other_readers_do_not_look_at_media(tmp_path, kind):
    MAKERS[kind](tmp_path)
    assert clip_names(SETTINGS[kind], tmp_path) is None
