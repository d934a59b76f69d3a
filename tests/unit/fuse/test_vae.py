import numpy as np
import pytest
import torch

from cberl.artifacts import read_tensors, write_tensors
from cberl.errors import InputError
from cberl.features.featureset import FeatureSet
from cberl.fuse.splits import fuse_split
from cberl.fuse.vae.fit import encode_vae, fit_vae, load_vae


@pytest.fixture
def fitted(make_features, settings):
    train, dev = make_features(seed=0), make_features(60, seed=1)
    vae, history = fit_vae(*train, *dev, 3, settings, seed=0)
    return vae, history, train, dev


def nearest_class_accuracy(latents, labels, other, other_labels):
    centres = np.stack([latents[labels == number].mean(axis=0) for number in range(3)])
    distances = ((other[:, None] - centres) ** 2).sum(axis=2)
    return (distances.argmin(axis=1) == other_labels).mean()


def test_classes_stand_apart_in_the_latents_with_any_modality_removed(fitted):
    vae, _, (train, labels), (dev, dev_labels) = fitted
    latents = encode_vae(vae, train)
    assert latents.dtype == np.float32
    assert latents.shape == (150, 8)
    for removed in (None, "text", "audio", "video"):
        rows = dev if removed is None else dev.without(removed)
        accuracy = nearest_class_accuracy(latents, labels, encode_vae(vae, rows), dev_labels)
        assert accuracy > 0.8, f"without {removed}"


def test_training_lowers_every_term_of_the_loss_on_dev_but_the_divergence(fitted):
    _, history, _, _ = fitted
    dev = history[history["split"] == "dev"].pivot(
        index="epoch", columns="quantity", values="value"
    )
    for quantity in ("loss", "classification", "reconstruction_text", "reconstruction_audio"):
        assert dev[quantity].min() < dev[quantity].iloc[0], quantity


def test_an_utterance_without_any_modality_gets_the_mean_of_the_prior(fitted):
    vae, _, _, (dev, _) = fitted
    for modality in dev.modalities:
        dev = dev.without(modality)
    assert not encode_vae(vae, dev).any()


def test_values_of_absent_modalities_do_not_leak(fitted):
    vae, _, _, (dev, _) = fitted
    dirty = FeatureSet(
        dev.ids,
        {
            name: np.where(dev.available[name][:, None], value, 7).astype(np.float32)
            for name, value in dev.values.items()
        },
        dev.available,
    )
    np.testing.assert_allclose(encode_vae(vae, dirty), encode_vae(vae, dev), atol=1e-6)


def test_encoding_does_not_depend_on_the_other_rows(fitted):
    vae, _, _, (dev, _) = fitted
    some = np.array([5, 2, 40])
    np.testing.assert_allclose(
        encode_vae(vae, dev.take(some)), encode_vae(vae, dev)[some], atol=1e-6
    )


def test_the_same_seed_gives_the_same_network_and_another_seed_another(make_features, settings):
    train, dev = make_features(60, seed=0), make_features(30, seed=1)
    settings["epochs"] = 3
    one, again, other = (fit_vae(*train, *dev, 3, settings, seed)[0] for seed in (0, 0, 1))
    for name, value in one.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    assert not torch.equal(one.classifier.weight, other.classifier.weight)


def test_a_network_written_and_read_encodes_alike(fitted, tmp_path):
    vae, _, _, (dev, _) = fitted
    path = tmp_path / "vae.safetensors"
    write_tensors(path, "vae", vae.state_dict(), {}, vae.describe() | {"classes": list("abc")})
    again = load_vae(*read_tensors(path, "vae"))
    np.testing.assert_array_equal(encode_vae(again, dev), encode_vae(vae, dev))


def test_the_best_epoch_on_dev_is_kept_and_patience_ends_the_run(make_features, settings):
    train, dev = make_features(60, seed=0), make_features(30, seed=1)
    settings |= {"epochs": 200, "patience": 3, "learning_rate": 0.03, "annealing_epochs": 0}
    vae, history = fit_vae(*train, *dev, 3, settings, seed=0)
    losses = history[(history["split"] == "dev") & (history["quantity"] == "loss")]["value"]
    best_epoch = losses.to_numpy().argmin() + 1
    assert len(losses) == best_epoch + 3 < 200
    stopped_there, _ = fit_vae(*train, *dev, 3, settings | {"epochs": int(best_epoch)}, seed=0)
    for name, value in stopped_there.state_dict().items():
        assert torch.equal(value, vae.state_dict()[name])


def test_one_modality_is_enough(make_features, settings):
    train, dev = (make_features(60, seed, widths={"audio": 6}) for seed in (0, 1))
    settings["epochs"] = 3
    vae, _ = fit_vae(*train, *dev, 3, settings, seed=0)
    assert np.isfinite(encode_vae(vae, dev[0])).all()
    frame, _ = fuse_split(dev[0], 0, "dev", lambda features: encode_vae(vae, features))
    assert set(frame["removed"]) == {"none"}


def test_audio_that_is_missing_everywhere_is_done_without(make_features, settings):
    train, dev = make_features(150, seed=0), make_features(60, seed=1)
    train, dev = (train[0].without("audio"), train[1]), (dev[0].without("audio"), dev[1])
    vae, history = fit_vae(*train, *dev, 3, settings, seed=0)
    assert np.isfinite(history["value"]).all()
    assert (history.loc[history["quantity"] == "reconstruction_audio", "value"] == 0).all()
    accuracy = nearest_class_accuracy(
        encode_vae(vae, train[0]), train[1], encode_vae(vae, dev[0]), dev[1]
    )
    assert accuracy > 0.8


@pytest.mark.parametrize("rare_rows", [0, 1])
def test_a_class_with_hardly_a_row_does_no_harm(make_features, settings, rare_rows):
    features, labels = make_features(80, seed=0)
    rare = np.flatnonzero(labels == 2)
    kept = np.setdiff1d(np.arange(80), rare[rare_rows:])
    dev, dev_labels = make_features(30, seed=1)
    dev_labels[dev_labels == 1] = 0  # and class 1 is absent from dev
    settings["epochs"] = 5
    vae, history = fit_vae(features.take(kept), labels[kept], dev, dev_labels, 3, settings, 0)
    assert np.isfinite(history["value"]).all()
    assert np.isfinite(encode_vae(vae, dev)).all()


def test_a_run_that_diverges_is_ended_with_the_setting_to_change(make_features, settings):
    train, dev = make_features(60, seed=0), make_features(30, seed=1)
    settings |= {"learning_rate": 1e30}
    with pytest.raises(InputError, match=r"fuse.vae: .* not finite in epoch \d+; .*learning_rate"):
        fit_vae(*train, *dev, 3, settings, seed=0)
