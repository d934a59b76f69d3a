from dataclasses import replace

import numpy as np
import pytest
import torch
from interrupted import assert_resumes

from cberl.errors import InputError
from cberl.fitting.network_files import load_network, save_network
from cberl.fitting.tensors import to_tensors
from cberl.fuse.concatenate import concatenate_modalities
from cberl.fuse.splits import fuse_split
from cberl.fuse.vae.encode import encode_vae, fuse_with_vae
from cberl.fuse.vae.fit import fit_vae, without_labels
from cberl.fuse.vae.network import VAENetwork


@pytest.fixture
def fitted(make_rows, settings):
    train, dev = make_rows(seed=0), make_rows(60, seed=1)
    vae, history = fit_vae(train, dev, settings, device="cpu")
    return vae, history, train, dev


def nearest_class_accuracy(vae, train, dev):
    latents = encode_vae(vae, train)
    centres = np.stack([latents[train.labels == number].mean(axis=0) for number in range(3)])
    distances = ((encode_vae(vae, dev)[:, None] - centres) ** 2).sum(axis=2)
    return (distances.argmin(axis=1) == dev.labels).mean()


def test_classes_stand_apart_in_the_latents_with_any_modality_removed(fitted):
    vae, _, train, dev = fitted
    latents = encode_vae(vae, train)
    assert latents.dtype == np.float32
    assert latents.shape == (150, 8)
    for removed in (None, "text", "audio", "video"):
        rows = dev if removed is None else dev.without(removed)
        accuracy = nearest_class_accuracy(vae, train, rows)
        assert accuracy > 0.8, f"without {removed}"


def test_training_lowers_every_term_of_the_loss_on_dev_but_the_divergence(fitted):
    _, history, _, _ = fitted
    dev = history[history["split"] == "dev"].pivot(
        index="epoch", columns="quantity", values="value"
    )
    for quantity in ("loss", "classification", "reconstruction_text", "reconstruction_audio"):
        assert dev[quantity].min() < dev[quantity].iloc[0], quantity


def test_an_utterance_without_any_modality_gets_the_mean_of_the_prior(fitted):
    vae, _, _, dev = fitted
    for modality in dev.modalities:
        dev = dev.without(modality)
    assert not encode_vae(vae, dev).any()


def test_values_of_absent_modalities_do_not_leak(fitted):
    vae, _, _, dev = fitted
    before = encode_vae(vae, dev)
    values, available, _ = to_tensors(dev)
    for name, mask in available.items():
        values[name] = torch.where(mask[:, None], values[name], torch.tensor(7.0))
    with torch.no_grad():
        np.testing.assert_allclose(vae.posterior(values, available)[0], before, atol=1e-6)


def test_encoding_does_not_depend_on_the_other_rows(fitted):
    vae, _, _, dev = fitted
    some = np.array([5, 2, 40])
    np.testing.assert_allclose(
        encode_vae(vae, dev.take(some)), encode_vae(vae, dev)[some], atol=1e-6
    )


def test_the_same_seed_gives_the_same_network_and_another_seed_another(make_rows, settings):
    train, dev = make_rows(60, seed=0), make_rows(30, seed=1)
    settings = replace(settings, epochs=3)
    one, again, other = (fit_vae(train, dev, settings, seed, "cpu")[0] for seed in (0, 0, 1))
    for name, value in one.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    assert not torch.equal(one.classifier.weight, other.classifier.weight)


def test_a_network_written_and_read_encodes_alike(fitted, tmp_path):
    vae, _, _, dev = fitted
    path = tmp_path / "vae.safetensors"
    save_network(path, "vae", vae, {})
    again, _ = load_network(path, "vae", VAENetwork)
    np.testing.assert_array_equal(encode_vae(again, dev), encode_vae(vae, dev))


def test_the_best_epoch_on_dev_is_kept_and_patience_ends_the_run(make_rows, settings):
    train, dev = make_rows(60, seed=0), make_rows(30, seed=1)
    settings = replace(settings, epochs=200, patience=3, learning_rate=0.03, annealing_epochs=0)
    vae, history = fit_vae(train, dev, settings, device="cpu")
    losses = history[(history["split"] == "dev") & (history["quantity"] == "loss")]["value"]
    best_epoch = losses.to_numpy().argmin() + 1
    assert len(losses) == best_epoch + 3 < 200
    stopped_there, _ = fit_vae(train, dev, replace(settings, epochs=int(best_epoch)), device="cpu")
    for name, value in stopped_there.state_dict().items():
        assert torch.equal(value, vae.state_dict()[name])


def test_one_modality_is_enough(make_rows, settings):
    train, dev = (make_rows(60, seed, widths={"audio": 6}) for seed in (0, 1))
    settings = replace(settings, epochs=3)
    vae, _ = fit_vae(train, dev, settings, device="cpu")
    assert np.isfinite(encode_vae(vae, dev)).all()
    ((frame, _), *_) = fuse_split(dev, "dev", lambda rows: encode_vae(vae, rows))
    assert set(frame["removed"]) == {"none"}


def test_audio_that_is_missing_everywhere_is_done_without(make_rows, settings):
    train, dev = make_rows(150, seed=0), make_rows(60, seed=1)
    train, dev = train.without("audio"), dev.without("audio")
    vae, history = fit_vae(train, dev, settings, device="cpu")
    assert np.isfinite(history["value"]).all()
    assert (history.loc[history["quantity"] == "reconstruction_audio", "value"] == 0).all()
    assert nearest_class_accuracy(vae, train, dev) > 0.8


@pytest.mark.parametrize("rare_rows", [0, 1])
def test_a_class_with_hardly_a_row_does_no_harm(make_rows, settings, rare_rows):
    train = make_rows(80, seed=0)
    rare = np.flatnonzero(train.labels == 2)
    kept = np.setdiff1d(np.arange(80), rare[rare_rows:])
    dev = make_rows(30, seed=1)
    dev.labels[dev.labels == 1] = 0  # and class 1 is absent from dev
    settings = replace(settings, epochs=5)
    vae, history = fit_vae(train.take(kept), dev, settings, device="cpu")
    assert np.isfinite(history["value"]).all()
    assert np.isfinite(encode_vae(vae, dev)).all()


def test_a_run_that_diverges_is_ended_with_the_setting_to_change(make_rows, settings):
    train, dev = make_rows(60, seed=0), make_rows(30, seed=1)
    settings = replace(settings, learning_rate=1e30)
    with pytest.raises(InputError, match=r"fuse.vae: .* not finite in epoch \d+; .*learning_rate"):
        fit_vae(train, dev, settings, device="cpu")


def test_splits_that_cannot_be_trained_on_are_refused(make_rows, settings):
    train, dev = make_rows(60, seed=0), make_rows(30, seed=1)
    with pytest.raises(InputError, match="split dev has no row"):
        fit_vae(train, dev.take(np.arange(0)), settings)
    with pytest.raises(InputError, match=r"dev has widths .*; expected those of train"):
        fit_vae(train, make_rows(30, widths={"audio": 6}), settings)


def test_what_the_latent_leaves_out_goes_on_beside_it(settings, make_rows):
    train, dev = make_rows(), make_rows(seed=1)
    vae, _ = fit_vae(train, dev, replace(settings, epochs=1), device="cpu")
    fused = fuse_with_vae(vae, dev)
    np.testing.assert_array_equal(fused[:, : settings.latent_size], encode_vae(vae, dev))
    np.testing.assert_array_equal(fused[:, settings.latent_size :], concatenate_modalities(dev))
    nothing = dev.without("text").without("audio").without("video")
    assert not fuse_with_vae(vae, nothing).any()


def test_a_killed_training_ends_in_the_same_bytes(
    make_rows, settings, tmp_path, monkeypatch, caplog
):
    train, dev = make_rows(90, seed=0), make_rows(30, seed=1)
    settings = replace(settings, epochs=6)

    def run(checkpoint):
        return fit_vae(train, dev, settings, device="cpu", checkpoint=checkpoint)

    assert_resumes(run, tmp_path, monkeypatch, caplog, epoch=3)


def test_without_the_supervised_term_no_label_is_looked_at(make_rows, settings):
    train, dev = make_rows(60, seed=0), make_rows(30, seed=1)
    settings = replace(settings, epochs=3)
    vae, _ = fit_vae(train, dev, without_labels(settings), device="cpu")
    others = (replace(rows, labels=2 - rows.labels) for rows in (train, dev))
    again, _ = fit_vae(*others, without_labels(settings), device="cpu")
    np.testing.assert_array_equal(encode_vae(again, dev), encode_vae(vae, dev))
    seen, _ = fit_vae(train, dev, settings, device="cpu")
    assert not np.array_equal(encode_vae(seen, dev), encode_vae(vae, dev))
