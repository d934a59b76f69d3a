import math

import pytest
import torch

from cberl.fuse.vae.experts import product_of_experts


def experts(*means_and_variances):
    means = torch.tensor([[[mean]] for mean, _ in means_and_variances], dtype=torch.float64)
    variances = torch.tensor([[[v]] for _, v in means_and_variances], dtype=torch.float64)
    return means, variances.log()


def test_the_product_with_the_prior_is_the_one_computed_by_hand():
    means, log_variances = experts((2.0, 0.5), (-1.0, 0.25))
    available = torch.ones(2, 1, dtype=torch.bool)
    mean, log_variance = product_of_experts(means, log_variances, available)
    # Precisions 1 (prior), 2 and 4: mean (2 * 2 + 4 * -1) / 7, variance 1 / 7.
    assert mean.item() == pytest.approx(0.0, abs=1e-12)
    assert log_variance.item() == pytest.approx(-math.log(7))


def test_each_subset_is_the_product_of_its_own_experts():
    means, log_variances = experts((2.0, 0.5), (-1.0, 0.25), (5.0, 1.0))
    for subset in ([True, False, False], [False, True, True], [True, True, False]):
        available = torch.tensor(subset).unsqueeze(1)
        mean, log_variance = product_of_experts(means, log_variances, available)
        alone_mean, alone_log_variance = product_of_experts(
            means[subset], log_variances[subset], torch.ones(sum(subset), 1, dtype=torch.bool)
        )
        torch.testing.assert_close(mean, alone_mean)
        torch.testing.assert_close(log_variance, alone_log_variance)


def test_without_experts_the_prior_is_left():
    means, log_variances = experts((2.0, 0.5), (-1.0, 0.25))
    mean, log_variance = product_of_experts(
        means, log_variances, torch.zeros(2, 1, dtype=torch.bool)
    )
    assert mean.item() == 0
    assert log_variance.item() == 0


def test_an_expert_more_never_makes_the_posterior_wider():
    torch.manual_seed(0)
    means, log_variances = torch.randn(3, 20, 4), torch.randn(3, 20, 4)
    available = torch.ones(3, 20, dtype=torch.bool)
    _, narrow = product_of_experts(means, log_variances, available)
    available[1] = False
    _, wide = product_of_experts(means, log_variances, available)
    assert (narrow < wide).all()
