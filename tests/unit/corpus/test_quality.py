"""The quality table and its page: every row, its reason, and a stop if too much is missing."""

import re

import numpy as np
import pandas as pd
import pytest
from made_media import BOTH, SETTINGS, babble, utterance_rows, write_media

from cberl.artifacts import open_table, read_table, write_table
from cberl.corpus import reasons
from cberl.corpus.media.decode import decode_clips
from cberl.corpus.quality.media_quality import assess_quality, read_media_facts, refuse_too_few
from cberl.corpus.quality.quality_page import render_quality_page
from cberl.corpus.tables import MEDIA, QUALITY
from cberl.errors import InputError

ALL = ["text", "audio", "video"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Utterances and the tables of media of two shards."""
    root = tmp_path_factory.mktemp("corpus")
    write_media(root / "good.mp4", babble(1, 16000), 1)
    write_media(root / "hum.mp4", 0.3 * np.sin(np.arange(16000) * 0.1).astype(np.float32), 1)
    write_media(root / "mute.mp4", None, 1)
    (root / "again.mp4").write_bytes((root / "good.mp4").read_bytes())
    cuts = [{"media_start_s": start, "media_end_s": start + 0.4} for start in (0.0, 0.4)]
    utterances = utterance_rows(
        {"media_path": "good.mp4", "annotated_duration_s": 7.5, "note": "mended <b>"},
        {"media_path": "hum.mp4", "text": " "},
        {"media_path": "mute.mp4", "text": ""},
        {"media_path": "gone.mp4"},
        {"media_path": "again.mp4"},
        *({"media_path": "good.mp4"} | cut for cut in cuts),
    )
    paths = []
    for number, shard in enumerate((utterances.iloc[::2], utterances.iloc[1::2])):
        paths.append(root / f"{number}.parquet")
        with open_table(paths[-1], MEDIA, {}) as writer:
            for rows in decode_clips(shard, root, SETTINGS, BOTH):
                writer.write(rows)
    return utterances, paths


@pytest.fixture(scope="module")
def quality(corpus):
    utterances, paths = corpus
    return assess_quality(utterances, read_media_facts(paths), ALL)


def of(quality, modality):
    return quality[quality["modality"] == modality].reset_index(drop=True)


def test_facts_leave_sound_and_frames_where_they_are(corpus):
    facts = read_media_facts(corpus[1])
    assert len(facts) == 7
    assert not {"audio", "frames"} & set(facts.columns)


def test_every_utterance_has_a_row_per_modality_in_order(corpus, quality):
    expected = [(row, modality) for row in corpus[0]["utterance_id"] for modality in ALL]
    assert list(zip(quality["utterance_id"], quality["modality"], strict=True)) == expected


def test_availability_and_reasons(quality):
    assert of(quality, "text")["reason"].tolist() == [
        *(None, reasons.EMPTY_TEXT, reasons.EMPTY_TEXT, None, None, None, None)
    ]
    assert of(quality, "audio")["reason"].tolist() == [
        *(None, None, reasons.NO_AUDIO_STREAM, reasons.MISSING, None, None, None)
    ]
    assert of(quality, "video")["reason"].tolist() == [
        *(None, None, None, reasons.MISSING, None, None, None)
    ]
    assert quality["available"].tolist() == quality["reason"].isna().tolist()
    assert set(quality["reason"].dropna()) <= set(reasons.REASONS)


def test_facts_stand_with_their_modality(quality):
    audio, video, text = (of(quality, modality).iloc[0] for modality in ("audio", "video", "text"))
    assert (audio["channels"], audio["sample_rate"], audio["fps"]) == (1, 16000, None)
    assert (video["channels"], video["fps"], video["width"]) == (None, 10, 96)
    assert (text["media_path"], text["duration_s"]) == (None, None)
    assert audio["annotated_duration_s"] == 7.5


def test_speech_is_seen_in_syllables_not_in_a_hum(quality):
    assert of(quality, "audio")["speech_seen"].tolist() == [
        True,
        False,
        None,
        None,
        True,
        True,
        True,
    ]


def test_the_same_bytes_are_duplicates_but_not_cuts_of_one_recording(quality):
    assert of(quality, "video")["duplicate_of"].tolist() == [None] * 4 + ["train/0/0"] + [None] * 2


def test_duplicates_of_sound_and_picture_are_told_apart(tmp_path):
    """Sound in a file of its own counts by its own bytes, whatever picture it goes with."""
    write_media(tmp_path / "scene.mp4", None, 2)
    write_media(tmp_path / "one.wav", babble(1, 16000), codecs=("", "pcm_s16le"))
    write_media(tmp_path / "other.wav", babble(1, 16000, pitch=500), codecs=("", "pcm_s16le"))
    early, late = ({"media_start_s": start, "media_end_s": start + 1.0} for start in (0.0, 1.0))
    scene = {"media_path": "scene.mp4", "media_crop": "left"}
    utterances = utterance_rows(
        scene | early | {"audio_path": "one.wav"},
        scene | early | {"audio_path": "other.wav"},
        scene | late | {"audio_path": "one.wav"},
        scene | early | {"audio_path": "one.wav", "media_crop": "right"},
    )
    facts = pd.concat(list(decode_clips(utterances, tmp_path, SETTINGS, BOTH)), ignore_index=True)
    quality = assess_quality(utterances, facts, ALL)
    first = "train/0/0"
    assert of(quality, "text")["duplicate_of"].tolist() == [None] * 4
    assert of(quality, "audio")["duplicate_of"].tolist() == [None, None, first, first]
    assert of(quality, "video")["duplicate_of"].tolist() == [None, first, None, None]


def test_the_table_can_be_written_and_read(quality, tmp_path):
    write_table(tmp_path / "quality.parquet", QUALITY, quality, {})
    stored = read_table(tmp_path / "quality.parquet", QUALITY)
    assert stored["available"].tolist() == quality["available"].tolist()


def test_text_alone_needs_no_media(corpus):
    quality = assess_quality(corpus[0], read_media_facts([]), ["text"])
    assert quality["available"].sum() == 5
    refuse_too_few(quality, 0.5)


def test_an_utterance_in_no_shard_is_an_error(corpus):
    utterances, paths = corpus
    with pytest.raises(InputError, match="train/0/1"):
        assess_quality(utterances, read_media_facts(paths[:1]), ALL)


def test_an_utterance_in_two_shards_is_an_error(corpus):
    with pytest.raises(InputError, match="train/0/0 is in two shards"):
        read_media_facts([corpus[1][0], corpus[1][0]])


def test_too_much_missing_stops_the_run_with_the_counts(quality):
    refuse_too_few(quality, 2 / 7)
    with pytest.raises(InputError) as error:
        refuse_too_few(quality, 0.2)
    assert str(error.value) == (
        "too much of the corpus cannot be used; text: 2 of 7 (empty_text 2), first train/0/1; "
        "audio: 2 of 7 (missing 1, no_audio_stream 1), first train/0/2 (mute.mp4); "
        "corpus.max_unavailable allows 20% per modality"
    )


def test_nothing_missing_is_fine_at_zero(quality):
    refuse_too_few(quality[quality["available"].astype(bool)], 0.0)


def test_the_page_counts_first_and_escapes(quality):
    page = render_quality_page(quality)
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "mended &lt;b&gt;" in page
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "audio 5 2 28.6%" in text
    assert "video missing there is no file for it 1" in text
    assert text.index("Why rows cannot be used") < text.index("Rows that cannot be used")
    assert "train/0/4 train/0/0 again.mp4" in text
    assert "train/0/0 good.mp4 1.02 7.50" in text
    assert "No speech seen (1)" in text


def test_the_page_of_a_large_corpus_stays_small(quality):
    rows = of(quality, "audio").iloc[[3] * 20_000].reset_index(drop=True)
    rows["utterance_id"] = [f"train/0/{number}" for number in range(len(rows))]
    page = render_quality_page(rows)
    assert len(page) < 200_000
    assert "and 19500 more in quality.parquet" in page


def test_the_page_of_a_faultless_corpus_says_so():
    quality = assess_quality(utterance_rows({}), pd.DataFrame(), ["text"])
    assert "Nothing is missing." in render_quality_page(quality)


@pytest.mark.parametrize(
    "text", ["", " ", "\u200b\u200d", "\ufeff", "\u2060\u00ad", "\u3164", "\ufe0f"]
)
def test_text_that_cannot_be_seen_is_no_text(text):
    utterances = utterance_rows({"media_path": "a.mp4", "text": text})
    row = assess_quality(utterances, pd.DataFrame(), ["text"]).iloc[0]
    assert (row["available"], row["reason"]) == (False, reasons.EMPTY_TEXT)


@pytest.mark.parametrize("text", [".", "…", "a\u200b", "\U0001f602", "ก็", "👍🏽"])
def test_text_of_any_sign_is_text(text):
    utterances = utterance_rows({"media_path": "a.mp4", "text": text})
    assert assess_quality(utterances, pd.DataFrame(), ["text"]).iloc[0]["available"]


def test_the_page_lists_what_reading_noticed(quality):
    page = render_quality_page(quality, ["t.tsv: not read: column <b>"])
    assert "<li>t.tsv: not read: column &lt;b&gt;</li>" in page
    assert "noticed" not in render_quality_page(quality)
    assert "<th class=n>share not usable</th>" in page
