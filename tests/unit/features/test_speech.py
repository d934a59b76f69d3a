"""Speech networks: tiny random ones, made offline."""

import numpy as np
import pytest
import torch
from made_clips import SAMPLE_RATE, sound
from made_encoders import speech_encoder, text_encoder
from transformers import AutoFeatureExtractor, AutoModel

from cberl.errors import InputError
from cberl.features.audio import speech
from cberl.features.audio.extract import AudioExtractor
from cberl.features.audio.speech import SpeechNetwork, receptive_field
from cberl.features.settings import AudioSettings


@pytest.mark.parametrize("kind", ["Wav2Vec2", "Hubert", "WavLM"])
def test_vectors_are_the_mean_over_layers_and_time(tmp_path, kind, write_media):
    folder = speech_encoder(tmp_path / kind, kind)
    samples = sound(1, 0.4)
    extractor = AudioExtractor(AudioSettings(str(folder)), "cpu")
    ((frame, features),) = extractor.extract(write_media([("a", samples, None)]))
    prepare = AutoFeatureExtractor.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder)
    inputs = prepare(samples / 32768, sampling_rate=SAMPLE_RATE, return_tensors="pt")
    with torch.inference_mode():
        layers = model(**inputs, output_hidden_states=True).hidden_states[1:]
    expected = torch.stack(layers).mean(dim=(0, 2))[0]
    np.testing.assert_allclose(features[0], expected, atol=1e-5)
    assert frame["available"].tolist() == [True]
    assert extractor.describe()["encoder"] == kind
    assert extractor.describe()["width"] == 16


def test_the_shortest_clip_is_one_frame(tmp_path):
    network = SpeechNetwork(str(speech_encoder(tmp_path / "tiny")), "cpu")
    shortest = receptive_field([10, 8, 4], [5, 8, 4])
    assert shortest == 165
    assert receptive_field([10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2]) == 400
    assert np.isfinite(network.encode("a", sound(1, 1)[:shortest], SAMPLE_RATE)).all()
    assert np.isnan(network.encode("a", sound(1, 1)[: shortest - 1], SAMPLE_RATE)).all()


def test_long_clips_are_encoded_in_pieces(tmp_path, monkeypatch):
    network = SpeechNetwork(str(speech_encoder(tmp_path / "tiny")), "cpu")
    whole = network.encode("a", sound(1, 1.005), SAMPLE_RATE)
    pieces = []
    encode_piece = SpeechNetwork._encode_piece

    def remember(self, piece):
        pieces.append(piece.shape[1])
        return encode_piece(self, piece)

    monkeypatch.setattr(speech, "LONGEST_S", 0.5)
    monkeypatch.setattr(SpeechNetwork, "_encode_piece", remember)
    cut = network.encode("a", sound(1, 1.005), SAMPLE_RATE)
    assert pieces == [8000, 8000]  # the last 80 samples are less than one frame
    assert np.isfinite(cut).all()
    assert np.abs(whole - cut).max() < 0.5 * np.abs(whole).max()


def test_another_sampling_rate_is_refused(tmp_path):
    network = SpeechNetwork(str(speech_encoder(tmp_path / "tiny")), "cpu")
    with pytest.raises(InputError, match=r"media.sample_rate: 8000, but .* takes 16000 Hz"):
        network.encode("a", sound(1, 1), 8000)


def test_what_is_no_speech_network_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"features.audio.encoder: .* preprocessor_config.json"):
        SpeechNetwork(str(text_encoder(tmp_path / "text")), "cpu")
