"""Sound: the downmix's weights, levels, and speech by energy."""

import os
from pathlib import Path

import av
import numpy as np
import pytest
from made_media import babble

from cberl.corpus.media import sound


def frame_of(samples, rate, layout="mono"):
    """A frame in the planar format that decoders give."""
    packed = np.ascontiguousarray(np.atleast_2d(samples).astype(np.float32).T).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
    frame.sample_rate = rate
    return av.AudioResampler("fltp", layout, rate).resample(frame)[0]


def test_weights_of_known_places():
    assert sound.downmix_weights(["FC"]).tolist() == [1.0]
    assert sound.downmix_weights(["FL", "FR"]).tolist() == [0.5, 0.5]
    surround = sound.downmix_weights(["FL", "FR", "FC", "LFE", "SL", "SR"])
    assert surround == pytest.approx([0.5, 0.5, 0.7071, 0, 0.3536, 0.3536])


def test_weights_of_unknown_places_are_equal():
    assert sound.downmix_weights(["UNK"] * 4).tolist() == [0.25] * 4
    assert sound.downmix_weights(["LFE", "LFE2"]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "layout", ["stereo", "4.0", "5.0(side)", "5.1(side)", "6.1", "7.1", "hexadecagonal"]
)
def test_every_layout_that_ffmpeg_knows_becomes_mono(layout):
    channels = av.AudioLayout(layout).nb_channels
    track = sound.MonoTrack(16000)
    samples = np.stack([babble(1, 16000)] * channels)
    track.add(frame_of(samples, 16000, layout), 0, 16000)
    mixed = track.finish()
    assert len(mixed) == 16000
    assert 0.4 < np.abs(mixed).max() <= 1


def test_a_rate_that_changes_midway_is_followed():
    track = sound.MonoTrack(16000)
    track.add(frame_of(babble(1, 48000), 48000), 0, 48000)
    track.add(frame_of(babble(1, 8000), 8000), 0, 8000)
    assert len(track.finish()) == pytest.approx(32000, abs=40)
    assert track.source_seconds == pytest.approx(2)


@pytest.mark.parametrize("rate", [1, 999, 2**31 - 1])
def test_an_impossible_rate_is_refused(rate):
    frame = frame_of(babble(0.1, 16000), 16000)
    frame.sample_rate = rate
    with pytest.raises(ValueError, match=f"{rate} Hz"):
        sound.MonoTrack(16000).add(frame, 0, 100)


def test_values_that_are_no_numbers_become_silence():
    track = sound.MonoTrack(16000)
    samples = babble(0.5, 16000)
    samples[1000:1010] = np.nan
    track.add(frame_of(samples, 16000), 0, 8000)
    assert np.isfinite(track.finish()).all()


def test_levels_are_decibels_of_full_scale():
    wave = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    assert sound.levels_db(wave, 16000) == pytest.approx(-3.01, abs=0.05)
    assert sound.levels_db(wave / 10, 16000) == pytest.approx(-23.01, abs=0.05)
    assert len(sound.levels_db(wave[:100], 16000)) == 1


def test_silence_begins_at_sixty_decibels_down():
    wave = babble(1, 16000)
    assert not sound.is_silent(wave / 100, 16000)
    assert sound.is_silent(wave / 1000, 16000)


def test_speech_rises_and_falls():
    noise = np.random.default_rng(0).normal(0, 0.1, 32000).astype(np.float32)
    tone = (0.3 * np.sin(np.arange(32000) * 0.1)).astype(np.float32)
    assert sound.speech_seconds(noise, 16000) == 0
    assert sound.speech_seconds(tone, 16000) == 0
    assert sound.speech_seconds(babble(2, 16000), 16000) == pytest.approx(0.9, abs=0.3)
    assert sound.speech_seconds(babble(2, 16000) + noise / 20, 16000) == pytest.approx(0.9, abs=0.3)
    assert sound.speech_seconds(babble(2, 16000) / 2000, 16000) == 0


@pytest.mark.skipif("SPEECH_ROOT" not in os.environ, reason="SPEECH_ROOT is not set")
def test_speech_is_seen_in_recordings_of_speech():
    files = sorted(Path(os.environ["SPEECH_ROOT"]).glob("*.wav"))
    assert files
    for file in files:
        track = sound.MonoTrack(16000)
        with av.open(str(file)) as container:
            for frame in container.decode(audio=0):
                track.add(frame, 0, frame.samples)
        samples = track.finish()
        seconds = sound.speech_seconds(samples, 16000)
        assert 0.5 < seconds < len(samples) / 16000, file.name
