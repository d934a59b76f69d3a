"""Features of torchvision networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_clips import jpeg

from cberl.errors import InputError
from cberl.features.settings import VideoSettings
from cberl.features.video.backbone import load_backbone
from cberl.features.video.extract import VideoExtractor

SETTINGS = VideoSettings(encoder="squeezenet1_1", weights="none", batch_size=2)


def extract(media, **settings):
    pieces = list(VideoExtractor(replace(SETTINGS, **settings), device="cpu").extract(media))
    return np.concatenate([frame["available"] for frame, _ in pieces]), np.concatenate(
        [features for _, features in pieces]
    )


@pytest.fixture
def media(write_media):
    return write_media(
        [
            ("a", None, [jpeg(1), jpeg(2), jpeg(3)]),
            ("b", None, None),
            ("c", None, [jpeg(4)]),
            ("d", None, [jpeg(1), jpeg(5, 64, 64)]),
            ("e", None, []),
        ]
    )


@pytest.mark.parametrize(("encoder", "width"), [("squeezenet1_1", 512), ("r3d_18", 512)])
def test_clips_without_frames_are_unavailable(media, encoder, width):
    available, features = extract(media, encoder=encoder)
    assert features.shape == (5, width)
    assert available.tolist() == [True, False, True, True, False]
    assert np.isnan(features[[1, 4]]).all()
    assert np.isfinite(features[[0, 2, 3]]).all()


def test_an_image_network_is_averaged_over_frames(write_media):
    frames = [jpeg(1), jpeg(2)]
    clips = [("both", None, frames), ("one", None, frames[:1]), ("two", None, frames[1:])]
    _, features = extract(write_media(clips))
    np.testing.assert_allclose(features[0], features[1:].mean(axis=0), rtol=1e-4, atol=1e-5)


def test_a_video_network_depends_on_the_order_of_frames(write_media):
    frames = [jpeg(seed) for seed in range(4)]
    clips = [("forth", None, frames), ("back", None, frames[::-1])]
    _, features = extract(write_media(clips), encoder="r3d_18")
    assert np.abs(features[0] - features[1]).max() > 1e-3


def test_an_untrained_network_is_the_same_each_time():
    torch.manual_seed(5)
    first = load_backbone("r3d_18", "none")
    torch.manual_seed(6)
    before = torch.get_rng_state()
    second = load_backbone("r3d_18", "none")
    assert torch.equal(before, torch.get_rng_state())
    assert not first.trained
    for one, other in zip(
        first.module.state_dict().values(), second.module.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("name", "shape", "width"),
    [
        ("densenet121", (1, 3, 224, 224), 1024),
        ("resnet18", (1, 3, 224, 224), 512),
        ("mobilenet_v3_small", (1, 3, 224, 224), 1024),
        ("vgg11", (1, 3, 224, 224), 4096),
        ("googlenet", (1, 3, 224, 224), 1024),
        ("swin_t", (1, 3, 224, 224), 768),
        ("vit_b_32", (1, 3, 224, 224), 768),
        ("s3d", (1, 3, 14, 224, 224), 1024),
        ("mvit_v2_s", (1, 3, 16, 224, 224), 768),
        ("swin3d_t", (1, 3, 2, 224, 224), 768),
    ],
)
def test_the_classifier_comes_off_every_kind_of_network(name, shape, width):
    with torch.device("meta"):
        network = load_backbone(name, "none")
    assert network.module(torch.empty(shape, device="meta")).shape == (1, width)
    assert network.width == width
    assert not network.module.training


@pytest.mark.parametrize(
    ("name", "short_side", "expected"),
    [
        ("squeezenet1_1", 48, 48),
        ("squeezenet1_1", 300, 224),
        ("inception_v3", 48, 75),
        ("vit_b_32", 48, 224),
    ],
)
def test_an_untrained_image_network_enlarges_no_frame_that_is_large_enough(
    name, short_side, expected
):
    with torch.device("meta"):
        network = load_backbone(name, "none")
    frames = torch.zeros((2, 3, short_side, 2 * short_side), dtype=torch.uint8)
    assert network.transform(frames, short_side).shape == (2, 3, expected, expected)


def test_frames_go_to_trained_networks_at_the_size_of_their_training(tmp_path):
    from torchvision.models import get_model

    path = tmp_path / "weights.pth"
    torch.save(get_model("squeezenet1_1").state_dict(), path)
    frames = torch.zeros((2, 3, 48, 96), dtype=torch.uint8)
    for name, weights, expected in [
        ("squeezenet1_1", str(path), (2, 3, 224, 224)),
        ("r3d_18", "none", (2, 3, 112, 112)),
    ]:
        assert load_backbone(name, weights).transform(frames, 48).shape == expected


def test_frames_fit_networks_with_fixed_and_least_lengths():
    with torch.device("meta"):
        fixed, least = load_backbone("mvit_v2_s", "none"), load_backbone("s3d", "none")
    assert fixed.frames_of(8).tolist() == [i // 2 for i in range(16)]
    assert fixed.frames_of(32).tolist() == list(range(0, 32, 2))
    assert len(least.frames_of(3)) == 14
    assert least.frames_of(20).tolist() == list(range(20))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_local_weights_are_used_whatever_their_classifier(tmp_path, media, suffix):
    from safetensors.torch import save_file
    from torchvision.models import get_model

    torch.manual_seed(3)
    network = get_model("squeezenet1_1", num_classes=7)
    path = tmp_path / f"weights{suffix}"
    save = save_file if suffix == ".safetensors" else torch.save
    save(network.state_dict(), path)
    loaded = load_backbone("squeezenet1_1", str(path))
    first = network.state_dict()["features.0.weight"]
    assert torch.equal(loaded.module.state_dict()["0.features.0.weight"], first)
    assert loaded.trained
    assert loaded.weights.startswith(f"weights{suffix} ")
    assert not np.allclose(extract(media, weights=str(path))[1][0], extract(media)[1][0])


def test_weights_that_do_not_fit_are_refused_in_one_line(tmp_path):
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"hello, this is nothing of the kind")
    header = tmp_path / "header.safetensors"
    header.write_bytes(b"nothing of the kind")
    other = tmp_path / "other.pth"
    torch.save({"conv1.weight": torch.zeros(1)}, other)
    contents = {
        "list": [torch.zeros(1)],
        "tensor": torch.zeros(1),
        "numbered": {0: torch.zeros(1)},
        "checkpoint": {"model": {"conv1.weight": torch.zeros(1)}, "epoch": 3},
    }
    for name, content in contents.items():
        torch.save(content, tmp_path / f"{name}.pth")
    for path, message in [
        *((tmp_path / f"{name}.pth", f"{name}.pth: expected tensors") for name in contents),
        (header, "header.safetensors: expected tensors"),
        (tmp_path / "absent.pth", "absent.pth: no such file"),
        (broken, "broken.pth: expected tensors"),
        (other, "other.pth is of another network"),
    ]:
        with pytest.raises(InputError, match=message) as caught:
            load_backbone("squeezenet1_1", str(path))
        assert "\n" not in str(caught.value)


def test_a_pickle_in_a_weights_file_is_not_run(tmp_path):
    import os
    import pickle

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    path = tmp_path / "trap.pth"
    path.write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(InputError, match=r"trap.pth: expected tensors"):
        load_backbone("squeezenet1_1", str(path))
    assert not (tmp_path / "sprung").exists()


def test_unreachable_weights_say_which_file_to_put_where(tmp_path, monkeypatch):
    def refuse(url, *_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(InputError, match=r"put that file at .*squeezenet1_1-b8a52dc0.pth"):
        load_backbone("squeezenet1_1", "DEFAULT")


def test_an_unknown_network_is_refused():
    with pytest.raises(InputError, match=r"encoder: torchvision has no .* densnet121"):
        load_backbone("densnet121", "none")
