"""What every extractor promises, whatever its modality and encoder."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_clips import jpeg, sound
from made_encoders import speech_encoder, text_encoder

from cberl.artifacts import open_table, read_header, read_matrix, read_table
from cberl.features.audio import extract as audio_extract
from cberl.features.audio.extract import AudioExtractor
from cberl.features.gather import common_facts
from cberl.features.settings import AudioSettings, TextSettings, VideoSettings
from cberl.features.tables import FEATURES
from cberl.features.text import extract as text_extract
from cberl.features.text.extract import TextExtractor
from cberl.features.video.extract import VideoExtractor

TEXT = TextSettings(max_tokens=32)
VIDEO = VideoSettings(weights="none")
ABSENT = 2  # the third utterance has neither text, sound nor frames


@dataclass
class Case:
    """An extractor's class and settings, its input and the setting that makes batches small."""

    make: Any
    settings: AudioSettings | TextSettings | VideoSettings
    source: Any
    shrink: Any

    def run(self, **settings):
        extractor = self.make(replace(self.settings, **settings), device="cpu")
        pieces = list(extractor.extract(self.source))
        frames = [frame for frame, _ in pieces]
        return extractor, frames, np.concatenate([matrix for _, matrix in pieces])


@pytest.fixture(
    params=[
        "minilm",
        "bert mean",
        "bert cls in context",
        "roberta in context",
        "eGeMAPSv02",
        "IS10",
        "own.conf",
        "Wav2Vec2",
        "squeezenet1_1",
        "r3d_18",
    ]
)
def case(request, tmp_path, conversations, write_media):
    name = request.param
    ids = conversations["utterance_id"]

    def shrink(monkeypatch, case):
        if case.make is AudioExtractor:
            monkeypatch.setattr(audio_extract, "CLIPS_AT_ONCE", 2)
            return case.run()
        if case.make is TextExtractor:
            monkeypatch.setattr(text_extract, "ROWS_AT_ONCE", 4)
        return case.run(batch_size=1)

    if name == "minilm":
        return Case(TextExtractor, TEXT, conversations, shrink)
    if name.startswith(("bert", "roberta")):
        folder = text_encoder(tmp_path / "encoder", name.split()[0])
        own = replace(
            TEXT,
            encoder=str(folder),
            pooling="cls" if "cls" in name else "mean",
            context_turns=2 if "context" in name else 0,
        )
        return Case(TextExtractor, own, conversations, shrink)
    lengths = [0.3, 0.5, 0, 0.2, 0.35, 0.4]
    clips = [
        (
            utterance,
            None if row == ABSENT else sound(row, lengths[row]),
            None if row == ABSENT else [jpeg(row), jpeg(row + 10), jpeg(row + 20)],
        )
        for row, utterance in enumerate(ids)
    ]
    media = write_media(clips)
    if name in ("squeezenet1_1", "r3d_18"):
        return Case(VideoExtractor, replace(VIDEO, encoder=name), media, shrink)
    if name == "Wav2Vec2":
        name = str(speech_encoder(tmp_path / "speech", name))
    if name == "own.conf":
        name = str(Path(__file__).with_name(name))
    return Case(AudioExtractor, AudioSettings(name), media, shrink)


def test_every_utterance_has_one_row_and_absent_ones_are_nan(case, conversations):
    extractor, frames, features = case.run()
    ids = [utterance for frame in frames for utterance in frame["utterance_id"]]
    assert ids == conversations["utterance_id"].tolist()
    assert features.dtype == np.float32
    assert features.shape == (len(ids), extractor.describe()["width"])
    available = np.concatenate([frame["available"] for frame in frames])
    assert available.tolist() == [row != ABSENT for row in range(len(ids))]
    assert np.isnan(features[ABSENT]).all()
    assert np.isfinite(features[available]).all()
    assert not any(frame["is_synthetic"].any() for frame in frames)


def test_utterances_are_told_apart(case):
    _, _, features = case.run()
    present = np.delete(features, ABSENT, axis=0)
    assert (present.std(axis=0) > 0).any()


def test_the_same_input_gives_the_same_bytes(case):
    first, second = (case.run()[2] for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_the_size_of_batches_does_not_matter(case, monkeypatch):
    _, _, whole = case.run()
    _, frames, pieces = case.shrink(monkeypatch, case)
    assert len(frames) > 1
    np.testing.assert_allclose(pieces, whole, rtol=1e-4, atol=1e-5)


def test_facts_go_into_the_table_and_name_the_encoder(case, tmp_path):
    extractor, frames, features = case.run()
    facts = extractor.describe()
    path = tmp_path / "features.parquet"
    with open_table(path, FEATURES, {}, facts) as writer:
        start = 0
        for frame in frames:
            writer.write(frame, {"features": features[start : start + len(frame)]})
            start += len(frame)
    assert read_header(path)["metadata"] == facts == common_facts([path])
    assert facts["modality"] in ("text", "audio", "video")
    assert facts["encoder"]
    assert len(facts.get("names", features[0])) == features.shape[1]
    np.testing.assert_array_equal(read_matrix(path, "features"), features)
    assert len(read_table(path, FEATURES)) == len(features)


def test_an_empty_shard_gives_an_empty_table_of_the_same_width(case, conversations, write_media):
    case.source = conversations[:0] if case.make is TextExtractor else write_media([])
    extractor, frames, features = case.run()
    assert len(frames) == 1
    assert features.shape == (0, extractor.describe()["width"])
