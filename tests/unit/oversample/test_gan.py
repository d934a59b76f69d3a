import dataclasses

import numpy as np
import pytest
import torch
from interrupted import assert_resumes

from cberl.artifacts import write_table
from cberl.errors import InputError
from cberl.fitting.network_files import load_network, save_network
from cberl.oversample.gan.fit import draw_batches, fit_gan, partner_rows
from cberl.oversample.gan.loss import adversarial_loss, critic_loss, identity_loss
from cberl.oversample.gan.network import Critics, GANNetwork
from cberl.oversample.gan.sample import class_centres, mix_latents, sample_gan
from cberl.oversample.settings import GANSettings
from cberl.tables import HISTORY

SETTINGS = GANSettings(
    latent_size=8,
    hidden_size=32,
    epochs=60,
    batch_size=32,
    learning_rate=0.002,
    average_decay=0.9,
)


def fit(train, checkpoint=None, **changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    return fit_gan(train, settings, seed=0, device="cpu", checkpoint=checkpoint)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def fitted(make_rows):
    train = make_rows()
    return train, *fit(train)


def test_it_learns_to_give_rows_back(fitted):
    *_, history = fitted
    identity = history[history["quantity"] == "identity"]["value"].to_numpy()
    assert identity[-5:].mean() < identity[0] / 3


def test_history_is_a_whole_table(fitted, tmp_path):
    *_, history = fitted
    write_table(tmp_path / "history.parquet", HISTORY, history, {})
    assert len(history) == 5 * SETTINGS.epochs


def test_samples_spread_as_the_class_does(fitted):
    train, gan, _ = fitted
    for number in (1, 2):
        real = train.values["text"][(train.labels == number) & train.available["text"]]
        samples = sample_gan(gan, train, np.full(200, number), seed=0)
        made = samples.values["text"][samples.available["text"]]
        ratio = made.var(axis=0).sum() / real.var(axis=0).sum()
        assert 0.7 < ratio < 1.3
        off = np.abs(made.mean(axis=0) - real.mean(axis=0)).mean()
        assert off < 0.5 * real.std(axis=0).mean() + 0.2


def test_samples_are_no_copies(fitted):
    train, gan, _ = fitted
    samples = sample_gan(gan, train, np.full(100, 2), seed=0)
    real, made = train.values["text"][train.labels == 2], samples.values["text"]
    present = samples.available["text"]
    distance = np.linalg.norm(made[present][:, None] - real[None], axis=2).min(axis=1)
    assert (distance > 1e-3).all()
    assert len(np.unique(made[present], axis=0)) == present.sum()


def test_modalities_of_a_sample_belong_together(fitted):
    """Text told from video by least squares: of real rows and of samples, not of mixed ones."""
    train, gan, _ = fitted
    both = train.available["text"] & train.available["video"]
    text, video = train.values["text"][both], train.values["video"][both]
    link = np.linalg.lstsq(video, text, rcond=None)[0]
    samples = sample_gan(gan, train, np.repeat([1, 2], 100), seed=0)
    both = samples.available["text"] & samples.available["video"]
    text, video = samples.values["text"][both], samples.values["video"][both]
    error = np.square(video @ link - text).mean()
    mixed = np.square(np.roll(video, 1, axis=0) @ link - text).mean()
    assert error < 0.3 * mixed


def test_bases_take_turns(fitted):
    """Availability shows the base: as many samples without audio as there are such bases."""
    train, gan, _ = fitted
    own = train.labels == 1
    samples = sample_gan(gan, train, np.full(3 * own.sum(), 1), seed=0)
    for modality, mask in train.available.items():
        assert samples.available[modality].sum() == 3 * mask[own].sum()


def test_a_gan_comes_back_from_its_file(fitted, tmp_path):
    train, gan, _ = fitted
    path = tmp_path / "gan.safetensors"
    save_network(path, "gan", gan, {}, {"classes": train.classes})
    again, facts = load_network(path, "gan", GANNetwork)
    assert facts["classes"] == list(train.classes)
    wanted = np.array([3, 0, 1, 2, 2])
    first, second = (
        sample_gan(gan, train, wanted, 5),
        sample_gan(again, train, wanted, 5),
    )
    for modality in first.modalities:
        np.testing.assert_array_equal(first.values[modality], second.values[modality])


def test_what_stands_in_for_absent_values_is_not_looked_at(make_rows):
    train = make_rows()
    gan, _ = fit(train.without("audio"), epochs=2)
    audio = gan.encoder.inputs["audio"].weight
    start, _ = fit(train, epochs=2, learning_rate=1e-12)
    # Without a row that has audio its weights stay as they were at the start.
    assert torch.allclose(audio, start.encoder.inputs["audio"].weight, atol=1e-6)
    text = gan.encoder.inputs["text"].weight
    assert not torch.allclose(text, start.encoder.inputs["text"].weight, atol=1e-3)


def test_rows_with_nothing_are_left_out(make_rows, caplog):
    caplog.set_level("INFO")
    train = make_rows(missing=0)
    for mask in train.available.values():
        mask[train.labels == 3] = False
    gan, _ = fit(train, epochs=1)
    assert "learns from 102 of 108 training rows" in caplog.text
    with pytest.raises(InputError, match="class number 3 has no training row with a modality"):
        sample_gan(gan, train, np.array([3]), seed=0)


def test_without_any_usable_row_it_says_so(make_rows):
    train = make_rows()
    train.labels[:] = -1
    with pytest.raises(InputError, match="no training row has both"):
        fit(train)


def test_divergence_is_an_error_and_not_a_model(make_rows):
    with pytest.raises(InputError, match=r"oversample.gan: .*not finite in epoch .*learning_rate"):
        fit(make_rows(), learning_rate=1e30, epochs=5)


def test_partners_share_the_class():
    labels = torch.tensor([2, 0, 1, 0, 2, 0, 2, 3])
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        partners = partner_rows(labels, generator)
        assert torch.equal(labels[partners], labels)
        assert sorted(partners.tolist()) == list(range(8))
        alone = partners == torch.arange(8)
        assert alone.tolist() == [False, False, True, False, False, False, False, True]


def test_mixed_latents_spread_as_the_rows_do():
    generator = torch.Generator().manual_seed(0)
    means = 3 + 2 * torch.randn(20_000, 2, generator=generator)
    partners = 3 + 2 * torch.randn(20_000, 2, generator=generator)
    centres = torch.full_like(means, 3.0)
    mixed = mix_latents(means, torch.full_like(means, -30), partners, centres, generator)
    assert mixed.mean(dim=0).tolist() == pytest.approx([3, 3], abs=0.1)
    assert mixed.std(dim=0).tolist() == pytest.approx([2, 2], rel=0.05)
    # More like the partner than like the row: correlations of sqrt(s), s in [1/2, 1]
    assert torch.corrcoef(torch.stack([mixed[:, 0], partners[:, 0]]))[0, 1] > 0.8


def test_a_row_that_is_its_own_partner_stays():
    means = torch.tensor([[1.0, -2.0]])
    mixed = mix_latents(means, torch.full((1, 2), -60.0), means, means, torch.Generator())
    assert torch.allclose(mixed, means)


def test_class_centres_by_hand():
    means = torch.tensor([[1.0], [3.0], [10.0]])
    centres = class_centres(means, torch.tensor([2, 2, 0]), 3)
    assert centres.tolist() == [[10.0], [0.0], [2.0]]


def test_scarce_classes_are_drawn_more_often():
    labels = np.repeat([0, 2], [9900, 100])
    batches = draw_batches(labels, 512, torch.Generator().manual_seed(0))
    drawn = labels[torch.cat(batches).numpy()]
    assert [len(batch) for batch in batches] == [512] * 19 + [272]
    # Weights 1 / sqrt(n): a share of sqrt(100) / (sqrt(100) + sqrt(9900)) = 0.091
    assert (drawn == 2).mean() == pytest.approx(0.091, abs=0.015)


def test_a_single_modality_has_one_critic():
    assert not Critics({"text": 4}, 2, 8).each
    both = Critics({"text": 4, "audio": 3}, 2, 8)
    available = {"text": torch.tensor([True, False]), "audio": torch.tensor([True, True])}
    assert both.scored(available).tolist() == [[1, 1, 1], [0, 1, 1]]
    rows = {"text": torch.randn(2, 4), "audio": torch.randn(2, 3)}
    scores, logits = both(rows, available, torch.tensor([0, 1]))
    assert scores.shape == (2, 3)
    assert logits.shape == (2, 2)


def test_losses_by_hand():
    rows = {"text": torch.tensor([[0.0, 0.0], [9.0, 9.0]])}
    again = {"text": torch.tensor([[0.5, 2.0], [0.0, 0.0]])}
    available = {"text": torch.tensor([True, False])}
    # Huber: 0.5 * 0.25 and 2 - 0.5, mean 0.8125; the absent row does not count
    assert identity_loss(again, rows, available).item() == pytest.approx(0.8125)
    # The first critic scores row 0 alone, the second none.
    scored = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    real, fake = torch.tensor([[0.5, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert adversarial_loss(fake, scored).item() == pytest.approx(-(1 + 0) / 2)
    # Hinges 1 - 0.5 and 1 + 1
    assert critic_loss(torch.cat([real, fake]), scored).item() == pytest.approx((0.5 + 2) / 2)


def test_a_killed_training_ends_in_the_same_bytes(make_rows, tmp_path, monkeypatch, caplog):
    train = make_rows()

    def run(checkpoint):
        return fit(train, checkpoint, epochs=6)

    assert_resumes(run, tmp_path, monkeypatch, caplog, epoch=3)
