"""The last step of a variant: logits adjusted for class frequencies, probabilities tempered.

Both are chosen on rows whose labels no weight was fitted to, after training and whatever the loss:

    z' = (z - t log pi) / T

with pi the class frequencies that training showed (Menon et al., Long-tail Learning via Logit
Adjustment, ICLR 2021, section 4.1) and T a temperature (Guo et al., On Calibration of Modern Neural
Networks, ICML 2017, section 4.2). T moves no prediction.

A rare class has few rows to choose on, so the best t there is partly chance. Of the t whose
macro-F1 is within one standard error of the best one's, the one nearest to a usual t is taken
(after the one-standard-error rule of Breiman et al., Classification and Regression Trees, 1984,
section 3.4.3); the error is that of the difference between the two, by a bootstrap over dialogues.
After plain cross-entropy the usual t is above 0: F1 is best where a class is predicted above half
its best F1, not above one half (Lipton et al., Optimal Thresholding of Classifiers to Maximize F1
Measure, ECML PKDD 2014, theorem 1), and rare classes have the lowest.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from cberl.train.resampling import resampled_macro_f1

ADJUSTMENTS = {"none": (0.0,), "chosen": tuple(number / 10 for number in range(-10, 11))}
"""Strengths t to choose from: 0 leaves the logits unchanged, 1 corrects for the frequencies fully,
less than 0 undoes an overcorrection by sampling. Every network has a temperature."""
USUAL_STRENGTH = 0.3
"""The t after cross-entropy where rows cannot decide; docs/results.md has what it was chosen by."""
TEMPERATURES = tuple(2 ** (step / 10) for step in range(-20, 41))


@dataclass(frozen=True)
class Adjustment:
    """What was chosen, and how sure the choice is.

    Attributes:
        strength: t.
        temperature: T.
        gain: macro-F1 of t over that of 0, on the rows it was chosen on.
        gain_error: standard error of ``gain``.
        best_strength: the t of the best macro-F1 there.
        usual_strength: the t that is taken where these rows show no better one.
        rows: how many rows there were.
    """

    strength: float
    temperature: float
    gain: float
    gain_error: float
    best_strength: float
    usual_strength: float
    rows: int

    def describe(self) -> dict[str, Any]:
        """As facts for a file's metadata."""
        return asdict(self)


def choose_adjustment(
    logits: Tensor,
    labels: Tensor,
    dialogues: Tensor,
    log_prior: Tensor,
    strengths: Sequence[float] = ADJUSTMENTS["chosen"],
    usual: float = USUAL_STRENGTH,
) -> Adjustment:
    """Choose strength and temperature.

    Args:
        logits: of n labelled rows, float [n, C]; minus infinity for a class that is never
            predicted.
        labels: their classes, int64 [n].
        dialogues: number of each row's dialogue, int64 [n].
        log_prior: logarithm of the class frequencies, float [C].
        strengths: to choose from; 0 is among them.
        usual: the strength to stay near.
    """
    logits, log_prior = logits.double(), log_prior.double()
    classes = len(log_prior)
    predictions = [(logits - strength * log_prior).argmax(dim=1) for strength in strengths]
    scores = resampled_macro_f1(predictions, labels, dialogues, classes)  # [strengths, 1 + R]
    # Among equals, the one nearest to the usual strength.
    order = sorted(range(len(strengths)), key=lambda number: abs(strengths[number] - usual))
    best = max(order, key=lambda number: float(scores[number, 0]))
    errors = (scores[best] - scores)[:, 1:].std(dim=1)
    behind = scores[best, 0] - scores[:, 0]
    chosen = next(number for number in order if behind[number] <= errors[number])
    zero = strengths.index(0)
    gained = scores[chosen] - scores[zero]
    strength = strengths[chosen]
    adjustment = Adjustment(
        strength=strength,
        temperature=_choose_temperature(logits - strength * log_prior, labels),
        gain=float(gained[0]),
        gain_error=float(gained[1:].std()),
        best_strength=strengths[best],
        usual_strength=usual,
        rows=len(labels),
    )
    logging.info(
        "adjustment %.1f (best %.1f): macro-F1 %+.4f (standard error %.4f) on %d rows;"
        " temperature %.2f",
        *(strength, adjustment.best_strength, adjustment.gain, adjustment.gain_error),
        *(adjustment.rows, adjustment.temperature),
    )
    return adjustment


def _choose_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature of the lowest cross-entropy; rows of a class with no chance do not count."""
    possible = torch.isfinite(logits.gather(1, labels[:, None]))[:, 0]
    if not possible.any():
        return 1.0
    logits, labels = logits[possible], labels[possible]
    losses = [float(cross_entropy(logits / value, labels)) for value in TEMPERATURES]
    return TEMPERATURES[losses.index(min(losses))]
