import math

import pytest
import torch

from cberl.fitting.terms import count_labels, kl_from_standard_normal, log_prior, masked_mean


def test_the_divergence_is_that_of_two_gaussians():
    torch.manual_seed(0)
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (0.5 * log_variance).exp()),
        torch.distributions.Normal(0.0, 1.0),
    )
    torch.testing.assert_close(kl_from_standard_normal(mean, log_variance), expected)
    assert not kl_from_standard_normal(torch.zeros(2, 2), torch.zeros(2, 2)).any()


def test_a_masked_mean_is_over_the_rows_that_count():
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    mask = torch.tensor([[True, False], [True, False], [False, False]])
    assert masked_mean(values, mask).tolist() == [2, 0]
    assert masked_mean(values, mask.float()).tolist() == [2, 0]
    assert masked_mean(values[:, 0], mask[:, 0]).item() == 2


def test_frequencies_sum_to_one_and_an_absent_class_stays_finite():
    logs = log_prior(torch.tensor([3, 1, 0]))
    assert logs.tolist() == pytest.approx([math.log(v / 4.5) for v in (3, 1, 0.5)])


def test_labels_are_counted_where_there_are_any():
    assert count_labels(torch.tensor([0, 0, 0, 1, -1, -1]), 3).tolist() == [3, 1, 0]
