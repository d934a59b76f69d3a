import pytest
import torch

from cberl.fitting.terms import log_prior
from cberl.fuse.vae.loss import annealed, hide_modalities, vae_loss
from cberl.fuse.vae.network import VAENetwork

WIDTHS = {"text": 5, "audio": 3}


@pytest.fixture
def vae():
    torch.manual_seed(0)
    return VAENetwork(WIDTHS, classes=3, latent_size=4, hidden_size=8, dropout=0.0).eval()


@pytest.fixture
def rows():
    torch.manual_seed(1)
    values = {name: torch.randn(6, width) for name, width in WIDTHS.items()}
    available = {
        "text": torch.tensor([True, True, True, False, True, False]),
        "audio": torch.tensor([True, False, True, True, True, False]),
    }
    return values, available, torch.tensor([0, 1, 2, 0, -1, 1])


def terms_of(vae, values, available, labels, **weights):
    weights = {"divergence_weight": 0.5, "class_weight": 2.0} | weights
    return vae_loss(vae, values, available, available, labels, torch.zeros(3), **weights)


def test_what_is_absent_enters_no_term(vae, rows):
    values, available, labels = rows
    before = terms_of(vae, values, available, labels)
    values = {
        name: torch.where(available[name].unsqueeze(1), value, torch.full_like(value, 99.0))
        for name, value in values.items()
    }
    after = terms_of(vae, values, available, labels)
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, msg=name)


def test_a_row_without_label_is_not_classified(vae, rows):
    values, available, labels = rows
    known = labels != -1
    whole = terms_of(vae, values, available, labels)["classification"]
    part = terms_of(
        vae,
        {name: value[known] for name, value in values.items()},
        {name: mask[known] for name, mask in available.items()},
        labels[known],
    )["classification"]
    torch.testing.assert_close(whole, part)


def test_the_loss_is_the_weighted_sum_of_its_terms(vae, rows):
    terms = terms_of(vae, *rows)
    expected = (
        terms["reconstruction_text"]
        + terms["reconstruction_audio"]
        + 0.5 * terms["divergence"]
        + 2.0 * terms["classification"]
    )
    torch.testing.assert_close(terms["loss"], expected)


def test_reconstruction_is_the_squared_error_of_the_rows_that_have_the_modality(vae, rows):
    values, available, labels = rows
    with torch.no_grad():
        terms = terms_of(vae, values, available, labels)
        mean, _ = vae.posterior(values, available)
        errors = (vae.decode(mean)["audio"] - values["audio"])[available["audio"]] ** 2
    assert terms["reconstruction_audio"].item() == pytest.approx(errors.mean().item(), rel=1e-5)


def test_a_modality_that_nobody_has_costs_nothing_and_stays_finite(vae, rows):
    values, available, labels = rows
    available["audio"] = torch.zeros(6, dtype=torch.bool)
    terms = terms_of(vae, values, available, labels)
    assert terms["reconstruction_audio"].item() == 0
    assert all(torch.isfinite(value) for value in terms.values())


def test_the_prior_of_classes_raises_the_cost_of_rare_ones(vae, rows):
    values, available, _ = rows
    prior = log_prior(torch.tensor([90, 9, 1]))
    costs = []
    for label in range(3):
        labels = torch.full((6,), label)
        with_prior = vae_loss(vae, values, available, available, labels, prior, 0.0, 1.0)
        without = vae_loss(vae, values, available, available, labels, torch.zeros(3), 0.0, 1.0)
        costs.append(float((with_prior["classification"] - without["classification"]).detach()))
    assert costs[0] < costs[1] < costs[2]


def test_hiding_keeps_one_modality_of_each_row_and_adds_none():
    torch.manual_seed(0)
    available = {name: torch.rand(4000) < 0.7 for name in ("text", "audio", "video")}
    shown = hide_modalities(available, chance=0.6)
    had = torch.stack(list(available.values()))
    kept = torch.stack(list(shown.values()))
    assert not (kept & ~had).any()
    assert torch.equal(kept.any(dim=0), had.any(dim=0))
    both = had.all(dim=0)
    all_hidden = 0.6**3  # then nothing is
    expected = 0.4 + all_hidden
    assert kept[:, both].float().mean().item() == pytest.approx(expected, abs=0.05)


def test_nothing_is_hidden_at_chance_zero():
    available = {"text": torch.tensor([True, False]), "audio": torch.tensor([True, True])}
    shown = hide_modalities(available, chance=0.0)
    assert all(torch.equal(shown[name], available[name]) for name in available)


def test_the_divergence_rises_from_nothing_to_its_weight():
    assert [annealed(0.2, epoch, 4) for epoch in (1, 3, 5, 9)] == pytest.approx([0, 0.1, 0.2, 0.2])
    assert annealed(0.2, 1, 0) == 0.2


def test_a_term_without_weight_is_left_out(vae, rows):
    terms = terms_of(vae, *rows, class_weight=0.0)
    assert set(terms) == {"loss", "reconstruction_text", "reconstruction_audio", "divergence"}
    whole = sum(value for name, value in terms.items() if name.startswith("reconstruction"))
    torch.testing.assert_close(terms["loss"], whole + 0.5 * terms["divergence"])
