"""openSMILE functionals."""

from pathlib import Path

import numpy as np
import opensmile
import pytest
from made_clips import SAMPLE_RATE, sound

from cberl.errors import InputError
from cberl.features.audio.extract import AudioExtractor
from cberl.features.settings import AudioSettings


@pytest.fixture(scope="module")
def extractor():
    return AudioExtractor(AudioSettings())


def test_values_are_those_of_opensmile(extractor, write_media):
    samples = sound(1, 0.5)
    ((_, features),) = extractor.extract(write_media([("a", samples, None)]))
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02)
    expected = smile.process_signal(samples / 32768, SAMPLE_RATE).to_numpy()
    np.testing.assert_allclose(features, expected, rtol=1e-5)


def test_absent_and_short_clips_are_unavailable_and_named(extractor, write_media, caplog):
    clips = [
        ("absent", None, None),
        ("empty", sound(1, 0), None),
        ("short", sound(1, 0.05), None),
        ("enough", sound(1, 0.1), None),
    ]
    ((frame, features),) = extractor.extract(write_media(clips))
    assert frame["available"].tolist() == [False, False, False, True]
    assert np.isnan(features[:3]).all()
    assert np.isfinite(features[3]).all()
    assert "short: 800 samples are too few" in caplog.text


def test_a_value_that_is_not_finite_makes_the_clip_unavailable(write_media, caplog, monkeypatch):
    extractor = AudioExtractor(AudioSettings())
    broken = np.ones((1, 88, 1), dtype=np.float32)
    broken[0, 3] = np.inf
    monkeypatch.setattr(opensmile.Smile, "__call__", lambda *_: broken)
    ((frame, features),) = extractor.extract(write_media([("a", sound(1, 0.5), None)]))
    assert frame["available"].tolist() == [False]
    assert np.isnan(features).all()
    assert f"a: {extractor.describe()['names'][3]} of eGeMAPSv02 is not finite" in caplog.text


@pytest.mark.parametrize(
    ("encoder", "width"),
    [
        ("eGeMAPSv02", 88),
        ("ComParE_2016", 6373),
        ("emobase", 988),
        ("IS09", 384),
        ("IS10", 1582),
        ("IS11", 4368),
        ("IS12", 6125),
        ("IS13", 6373),
    ],
)
def test_every_set_has_its_published_width(encoder, width, write_media):
    extractor = AudioExtractor(AudioSettings(encoder))
    ((_, features),) = extractor.extract(write_media([("a", sound(1, 0.3), None)]))
    assert features.shape == (1, width)
    assert np.isfinite(features).all()
    facts = extractor.describe()
    assert facts["width"] == len(facts["names"]) == width


def test_a_configuration_that_opensmile_refuses_is_an_input_error(tmp_path):
    path = tmp_path / "broken.conf"
    path.write_text("[componentInstances:cComponentManager]\ninstance[a].type=cNothing\n")
    with pytest.raises(InputError, match=r"encoder: openSMILE refuses .*broken.conf") as caught:
        AudioExtractor(AudioSettings(str(path)))
    assert "\n" not in str(caught.value)


def test_a_configuration_with_a_vector_per_frame_is_refused(tmp_path, write_media):
    text = Path(__file__).with_name("own.conf").read_text()
    path = tmp_path / "frames.conf"
    path.write_text(
        text.replace("writer.dmLevel=func", "writer.dmLevel=x").replace("=lld", "=func")
    )
    extractor = AudioExtractor(AudioSettings(str(path)))
    with pytest.raises(InputError, match=r"gives \d+ vectors for a; expected one per clip"):
        list(extractor.extract(write_media([("a", sound(1, 0.5), None)])))
