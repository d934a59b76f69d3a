"""Damaged media by the hundred: no file ends the job, each is in the quality table."""

import random
from collections import Counter
from dataclasses import replace

import pandas as pd
from made_media import BOTH, SETTINGS, utterance_rows
from mutated_media import MUTATIONS, boxes_of, mutants, whole_files

from cberl.artifacts import open_table
from cberl.corpus.media.decode import decode_clips
from cberl.corpus.quality.media_quality import assess_quality, read_media_facts
from cberl.corpus.quality.quality_page import render_quality_page
from cberl.corpus.reasons import REASONS
from cberl.corpus.tables import MEDIA

COUNT = 500


def test_whole_files_have_the_boxes_that_are_damaged(tmp_path):
    kinds = [{kind for kind, _, _ in boxes_of(path.read_bytes())} for path in whole_files(tmp_path)]
    assert kinds[0] >= {b"moov", b"mdat", b"stsz", b"stts", b"tkhd"}
    assert kinds[1] >= {b"RIFF", b"fmt ", b"data"}
    assert kinds[2] >= {b"avih", b"strh", b"strf", b"idx1"}


def test_five_hundred_damaged_files_end_in_the_quality_table(tmp_path):
    originals = whole_files(tmp_path)
    rows, damaged = [], 0
    for number, (name, data) in enumerate(mutants(originals, COUNT, seed=0)):
        (tmp_path / name).write_bytes(data)
        damaged += data != originals[number % 3].read_bytes()
        cut = {"media_start_s": 0.2, "media_end_s": 0.5} if number % 4 == 0 else {}
        rows.append({"media_path": name} | cut)
    utterances = utterance_rows(*rows)
    settings = replace(SETTINGS, faces=True, time_limit_s=5)
    with open_table(tmp_path / "media.parquet", MEDIA, {}) as writer:
        for batch in decode_clips(utterances, tmp_path, settings, BOTH):
            writer.write(batch)
    facts = read_media_facts([tmp_path / "media.parquet"])
    quality = assess_quality(utterances, facts, ["audio", "video"])
    assert len(quality) == 2 * COUNT
    assert set(quality["reason"].dropna()) <= set(REASONS)
    assert quality["available"].tolist() == quality["reason"].isna().tolist()
    render_quality_page(quality)
    # The damage is neither harmless nor so heavy that no decoder is ever reached.
    assert damaged > 0.98 * COUNT
    outcomes = Counter(quality["reason"].fillna("available"))
    assert outcomes["available"] > 0.25 * len(quality)
    assert outcomes["unreadable"] > 0.1 * len(quality)
    assert pd.notna(quality["detail"]).sum() > 100


def test_damage_is_the_same_for_the_same_seed(tmp_path):
    originals = whole_files(tmp_path)
    first, again, other = (list(mutants(originals, 40, seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_every_kind_of_damage_changes_some_file(tmp_path):
    originals = [path.read_bytes() for path in whole_files(tmp_path)]
    for deed in MUTATIONS:
        changed = 0
        for seed in range(4):
            for whole in originals:
                data = bytearray(whole)
                deed(data, random.Random(seed))
                changed += data != whole
        assert changed > 4, deed.__name__
