"""What is chosen after training, and when nothing is."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, log_softmax

from cberl.train.adjustment import ADJUSTMENTS, TEMPERATURES, choose_adjustment
from cberl.train.resampling import gain_over, resampled_macro_f1

FREQUENCIES = np.array([0.7, 0.25, 0.05])
PRIOR = torch.log(torch.tensor(FREQUENCIES))


def make_rows(rows=4000, seed=0, told=1.5, bias=1.0):
    """Log-probabilities (Bayes' own if ``bias`` is 1), labels and dialogues."""
    generator = np.random.default_rng(seed)
    labels = torch.tensor(generator.choice(3, rows, p=FREQUENCIES))
    logits = torch.tensor(generator.normal(size=(rows, 3)))
    logits[torch.arange(rows), labels] += told
    return log_softmax(told * logits + bias * PRIOR, dim=1), labels, torch.arange(rows) // 8


def test_a_model_that_drowns_rare_classes_is_adjusted():
    found = choose_adjustment(*make_rows(bias=1.5), PRIOR)
    assert 0.3 <= found.strength <= 1
    assert found.gain > 2 * found.gain_error > 0
    assert found.rows == 4000


def test_a_model_that_leans_too_far_to_rare_classes_is_taken_back():
    assert choose_adjustment(*make_rows(bias=-0.7), PRIOR).strength < 0


@pytest.mark.parametrize("usual", [0.0, 0.3])
def test_a_gain_within_its_error_is_not_taken(usual):
    found = [choose_adjustment(*make_rows(40, seed), PRIOR, usual=usual) for seed in range(10)]
    moves = np.array([(one.strength, one.best_strength) for one in found]) - usual
    chosen, best = np.abs(moves).T
    assert (chosen <= best).all()
    assert (chosen < best).sum() >= 3
    assert all(one.usual_strength == usual for one in found)


@pytest.mark.parametrize("seed", range(4))
def test_the_nearest_strength_within_one_standard_error_of_the_best_is_taken(seed):
    logits, labels, dialogues = make_rows(400, seed, bias=1.5)
    found = choose_adjustment(logits, labels, dialogues, PRIOR, usual=0.0)
    strengths = ADJUSTMENTS["chosen"]
    predictions = [(logits - strength * PRIOR).argmax(dim=1) for strength in strengths]
    scores = resampled_macro_f1(predictions, labels, dialogues, 3)
    by_strength = dict(zip(strengths, scores, strict=True))

    def as_good_as_best(strength):
        behind, error = gain_over(by_strength[found.best_strength], by_strength[strength])
        return behind <= error

    assert found.best_strength == strengths[scores[:, 0].argmax()]
    assert as_good_as_best(found.strength)
    assert not any(as_good_as_best(own) for own in strengths if abs(own) < abs(found.strength))


def test_without_adjustment_there_is_none():
    found = choose_adjustment(*make_rows(bias=1.5), PRIOR, ADJUSTMENTS["none"])
    assert (found.strength, found.gain) == (0, 0)


def test_the_temperature_makes_overconfidence_good_and_moves_no_prediction():
    logits, labels, dialogues = make_rows()
    found = choose_adjustment(5 * logits, labels, dialogues, PRIOR)
    adjusted = 5 * logits - found.strength * PRIOR
    assert found.temperature == pytest.approx(5, rel=0.25)
    assert cross_entropy(adjusted / found.temperature, labels) < cross_entropy(adjusted, labels)


def test_the_temperature_is_that_of_the_adjusted_logits():
    logits, labels, dialogues = make_rows(bias=1.8)
    found = choose_adjustment(logits, labels, dialogues, PRIOR)
    best = {
        strength: min(
            TEMPERATURES, key=lambda t: cross_entropy((logits - strength * PRIOR) / t, labels)
        )
        for strength in (0, found.strength)
    }
    assert found.temperature == best[found.strength] != best[0]


def test_a_class_that_is_never_predicted_stays_so():
    logits, labels, dialogues = make_rows()
    logits[:, 2] = -torch.inf
    found = choose_adjustment(logits, labels, dialogues, PRIOR)
    assert np.isfinite([found.temperature, found.gain, found.gain_error]).all()


def test_the_same_rows_give_the_same_choice():
    assert choose_adjustment(*make_rows(), PRIOR) == choose_adjustment(*make_rows(), PRIOR)


def test_macro_f1_is_that_of_scikit_learn():
    from sklearn.metrics import f1_score

    logits, labels, dialogues = make_rows(300, bias=1.5)
    found = choose_adjustment(logits, labels, dialogues, PRIOR)
    scores = [
        f1_score(labels, (logits - strength * PRIOR).argmax(dim=1), average="macro")
        for strength in (0, found.strength)
    ]
    assert found.gain == pytest.approx(scores[1] - scores[0])
